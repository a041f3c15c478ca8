// Command check runs the official Go clients against a gateway and prints one
// line for each check: "ok NAME" or "failed NAME: why". The addresses and keys
// come from the environment, see sdk_test.go. It is a module of its own so
// that the gateway does not depend on the clients.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// check is one thing that a client must be able to do.
type check struct {
	name string
	run  func(context.Context) error
}

const hello = "Hello! How can I help you today?"

var (
	gateway = os.Getenv("GATEWAY")
	limited = os.Getenv("LIMITED")
	key     = os.Getenv("KEY")

	budgeted     = os.Getenv("BUDGETED")
	exhaustedKey = os.Getenv("EXHAUSTED_KEY")
	pacedKey     = os.Getenv("PACED_KEY")
)

func main() {
	for _, c := range slices.Concat(openaiChecks(), translatedChecks(), anthropicChecks()) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if err := c.run(ctx); err != nil {
			fmt.Printf("failed %s: %s\n", c.name, strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok", c.name)
		}
		cancel()
	}
}

// want gives an error with the text unless the condition holds.
func want(holds bool, format string, args ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, args...)
}

var errNone = errors.New("no error")
