package cli

import (
	"slices"
	"strings"
)

// movable are the flags of every command that calls a server. They may stand before the
// command as well, where people write what does not change from one line to the next.
var movable = []string{"--server", "--data-dir", "--output", "-o"}

// arranged moves flags that stand before a command, or within its name, behind it, where
// they belong. What follows another flag stays as it is: it may be the value of that.
func arranged(args []string) []string {
	var words, flags []string
	i := 0
walk:
	for ; i < len(args); i++ {
		name, _, joined := strings.Cut(args[i], "=")
		switch {
		case slices.Contains(movable, name) && joined:
			flags = append(flags, args[i])
		case slices.Contains(movable, name) && i+1 < len(args):
			flags = append(flags, args[i], args[i+1])
			i++
		case !strings.HasPrefix(args[i], "-"):
			words = append(words, args[i])
		default:
			break walk
		}
	}
	if len(words) == 0 || len(flags) == 0 {
		return args // the default command: it has a --data-dir of its own
	}
	return slices.Concat(words, flags, args[i:])
}
