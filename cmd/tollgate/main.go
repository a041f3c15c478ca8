// Command tollgate is an LLM gateway whose heart is virtual key management.
package main

import (
	"os"

	"tollgate/internal/cli"
)

func main() {
	os.Exit(cli.Run(os.Args[1:], cli.Environment{
		Program: os.Args[0], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, LookupEnv: os.LookupEnv,
	}))
}
