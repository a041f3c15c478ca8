//go:build !race

package program

// race tells that the tests run under the race detector; then the program
// that they start does, too.
const race = false
