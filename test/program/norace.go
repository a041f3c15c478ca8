//go:build !race

package program

// Race tells that the tests run under the race detector; then the program
// that they start does, too.
const Race = false
