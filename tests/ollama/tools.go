//go:build tools

// Package tools names what is built from this module, so that `go mod tidy` keeps the pins.
package tools

import (
	_ "github.com/gen2brain/malgo" // brings miniaudio.h, which the Ollama module leaves out
	_ "github.com/ollama/ollama"
)
