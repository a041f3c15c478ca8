//go:build race

package vkey_test

const raceDetector = true
