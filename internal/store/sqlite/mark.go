package sqlite

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tollgate/internal/ledger"
)

// ErrMark: the file with the mark of the ledger is damaged.
var ErrMark = errors.New("it is damaged: if the ledger itself is whole, start with --repair to note its end anew")

// Mark is a file that notes how far the ledger went. It implements ledger.Witness.
type Mark struct{ path string }

// NewMark is the mark in a file, which need not be there yet.
func NewMark(path string) *Mark { return &Mark{path} }

// A mark is one line: its format, the number of the row, the hash up to it, and a checksum of all that.
const markFormat = "tollgate-mark-1 %d %x"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeMark(m ledger.Mark) string {
	text := fmt.Sprintf(markFormat, m.Seq, m.Hash[:])
	return fmt.Sprintf("%s %08x\n", text, crc32.Checksum([]byte(text), castagnoli))
}

// Load implements ledger.Witness. The error of a damaged file wraps ErrMark.
func (m *Mark) Load() (mark ledger.Mark, err error) {
	text, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return mark, nil
	}
	if err != nil {
		return mark, fmt.Errorf("read the mark of the ledger: %w", err)
	}
	var format, hash string
	_, err = fmt.Sscan(strings.ReplaceAll(string(text), "\n", " "), &format, &mark.Seq, &hash)
	if err == nil && len(hash) == hex.EncodedLen(len(mark.Hash)) {
		_, err = hex.Decode(mark.Hash[:], []byte(hash))
	}
	// A file that says the same in another way was not written by us.
	if err != nil || encodeMark(mark) != string(text) {
		return ledger.Mark{}, fmt.Errorf("the mark of the ledger, %s: %w", m.path, ErrMark)
	}
	return mark, nil
}

// Save implements ledger.Witness. There is always either the mark of before or the new
// one; after a power failure it can be that of before. On a full disk it stays that of before, and the
// error wraps ledger.ErrUnavailable.
func (m *Mark) Save(mark ledger.Mark) error {
	temporary := m.path + ".new"
	err := writeFile(temporary, encodeMark(mark))
	if err == nil {
		err = os.Rename(temporary, m.path)
	}
	if noRoom(err) {
		_ = os.Remove(temporary) // it may take up the last room that there is
		err = diskFull(err)
	}
	if err != nil {
		return fmt.Errorf("save the mark of the ledger: %w", err)
	}
	return nil
}

// writeFile writes a file that only its owner can read, onto the disk.
func writeFile(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
