// Package app wires the program together: it builds the parts, starts them,
// swaps configurations and stops everything in reverse. It holds no rules.
package app
