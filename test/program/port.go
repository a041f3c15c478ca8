package program

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are taken from below the range that the kernel uses for outgoing
// connections, so that no connection of a test can occupy a port that another
// test is about to listen on.
const (
	firstPort = 20000
	lastPort  = 32000
)

var ports struct {
	sync.Mutex
	taken map[int]bool
}

// FreePort gives a TCP port on which nothing listens and which no other caller
// in this process was given.
func FreePort() (int, error) {
	ports.Lock()
	defer ports.Unlock()
	if ports.taken == nil {
		ports.taken = map[int]bool{}
	}
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if !ports.taken[port] && free(port) {
			ports.taken[port] = true
			return port, nil
		}
	}
	return 0, errors.New("no free port found")
}

func free(port int) bool {
	for _, host := range []string{"", "127.0.0.1"} {
		ln, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, port))
		if err != nil {
			return false
		}
		_ = ln.Close()
	}
	return true
}
