package control

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool holds the body of an import, which is read more than once: all is checked
// before anything is changed. What does not fit into memory lies in a file that nobody
// else can open, enciphered under a key that is nowhere else: there are secrets in it.
type spool struct {
	head  []byte
	file  *os.File // nil if all is in head
	key   cipher.Block
	iv    []byte
	lines int // how many there are
}

// maxHead is how much of a body is held in memory.
const maxHead = 1 << 20

// newSpool reads all of a body. The caller must close what it gives.
func newSpool(body io.Reader, random io.Reader) (*spool, error) {
	s := &spool{head: make([]byte, 0, 64<<10)}
	counted := &lineCounter{from: body}
	body = counted
	defer func() { s.lines = counted.lines() }()
	head := bytes.NewBuffer(s.head)
	n, err := io.CopyN(head, body, maxHead)
	s.head = head.Bytes()
	if errors.Is(err, io.EOF) && n < maxHead {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is to be imported: %w", err)
	}
	if err := s.rest(body, random); err != nil {
		s.Close()
		return nil, fmt.Errorf("put aside what is to be imported: %w", err)
	}
	return s, nil
}

func (s *spool) rest(body io.Reader, random io.Reader) (err error) {
	if s.file, err = os.CreateTemp("", "tollgate-import-*"); err != nil {
		return err
	}
	// It has no name from here on, so nothing of it remains whatever happens.
	if err := os.Remove(s.file.Name()); err != nil {
		return err
	}
	entropy := make([]byte, 32+aes.BlockSize)
	if _, err := io.ReadFull(random, entropy); err != nil {
		return err
	}
	if s.key, err = aes.NewCipher(entropy[:32]); err != nil {
		return err
	}
	s.iv = entropy[32:]
	_, err = io.Copy(cipher.StreamWriter{S: cipher.NewCTR(s.key, s.iv), W: s.file}, body)
	return err
}

// open reads from the beginning. Only the latest reader may be used.
func (s *spool) open() (io.Reader, error) {
	head := bytes.NewReader(s.head)
	if s.file == nil {
		return head, nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read what is to be imported again: %w", err)
	}
	return io.MultiReader(head, cipher.StreamReader{S: cipher.NewCTR(s.key, s.iv), R: s.file}), nil
}

// entries guesses how many there are before they are read; 0: there is no telling.
func (s *spool) entries(format string) int {
	switch {
	case format == formatCSV:
		return s.lines - 1 // the header
	case bytes.HasPrefix(bytes.TrimLeft(s.head, "\ufeff \t\r\n"), []byte("[")):
		return 0
	}
	return s.lines
}

// lineCounter counts the lines of what is read.
type lineCounter struct {
	from io.Reader
	ends int
	last byte
}

// Read implements io.Reader.
func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if n > 0 {
		c.ends += bytes.Count(p[:n], []byte("\n"))
		c.last = p[n-1]
	}
	return n, err
}

func (c *lineCounter) lines() int {
	if c.last == 0 || c.last == '\n' {
		return c.ends
	}
	return c.ends + 1
}

// Close gives up what was put aside.
func (s *spool) Close() error {
	clear(s.head)
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
