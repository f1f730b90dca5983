// Command sandbox serves the sandbox's Runs API on a free port of loopback. It
// prints the base URL, and serves until its standard input ends.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"runs-mcp/runsapi/sandbox"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(listener, sandbox.New())
	fmt.Printf("http://%s/v1\n", listener.Addr())
	io.Copy(io.Discard, os.Stdin)
}
