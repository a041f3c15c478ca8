package manifest

// EntryKey is for fuzzing: through Compile it would be slow.
var EntryKey = entryKey
