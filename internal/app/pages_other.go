//go:build !linux

package app

// returnPages does nothing: only Linux counts the pages of a program's file as its own
// and can be asked to take them back.
func returnPages() {}
