package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bgmd/bgmd/internal/ram"
)

// badFlags says that flags are wrong. Every line of err, which is not nil, begins with
// the name of one.
func badFlags(err error) error {
	return &configError{errors.New("--" + strings.ReplaceAll(err.Error(), "\n", "\n--"))}
}

// lessWouldDo adds to an error of too little memory what would take less of it.
func lessWouldDo(err error, with string) error {
	if _, ok := errors.AsType[*ram.Error](err); ok {
		return fmt.Errorf("%w: less would do with %s", err, with)
	}
	return err
}
