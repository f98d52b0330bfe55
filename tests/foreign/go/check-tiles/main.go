// check-tiles checks a Modeltrail log from outside, with the code that the Go project uses for its own checksum
// database: nothing in it knows Modeltrail.
//
// It fetches the checkpoint, verifies the signed note, and proves and checks inclusions, and consistency with an older
// checkpoint, reading nothing but the served C2SP tiles. The leaf hash of an inclusion is computed from the entry in
// its entry bundle, so that bundles and tiles are held against each other. Formats: c2sp.org/signed-note,
// c2sp.org/tlog-checkpoint, c2sp.org/tlog-tiles.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
)

func main() {
	older := flag.String("older", "", "file of an earlier checkpoint of the same log, to prove consistency with")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: check-tiles [-older FILE] BASE-URL VKEY-FILE [INDEX]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 2 || flag.NArg() > 3 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Arg(1), flag.Arg(2), *older); err != nil {
		fmt.Fprintln(os.Stderr, "check-tiles:", err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

// run checks the log at base; index is empty for the entries at the edges of tiles and halves.
func run(base, vkeyFile, index, older string) error {
	keys, err := readKeys(vkeyFile)
	if err != nil {
		return err
	}
	log, err := openLog(base, keys)
	if err != nil {
		return err
	}
	fmt.Printf("checkpoint: %s size %d root %x\n", log.origin, log.tree.N, log.tree.Hash[:])
	if log.tree.N == 0 {
		return errors.New("the log is empty: nothing to prove")
	}
	indexes, err := chosen(index, log.tree.N)
	if err != nil {
		return err
	}
	for _, i := range indexes {
		if err := log.checkInclusion(i); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		fmt.Printf("inclusion: entry %d of %d holds\n", i, log.tree.N)
	}
	if older == "" {
		return nil
	}
	size, err := log.checkConsistency(older)
	if err != nil {
		return fmt.Errorf("consistency with %s: %w", older, err)
	}
	fmt.Printf("consistency: %d to %d holds\n", size, log.tree.N)
	return nil
}

// chosen gives the one index asked for, or those where mistakes live: first, last, and both sides of tile borders.
func chosen(index string, size int64) ([]int64, error) {
	if index != "" {
		i, err := strconv.ParseInt(index, 10, 64)
		if err != nil || i < 0 || i >= size {
			return nil, fmt.Errorf("index %q is not between 0 and %d", index, size-1)
		}
		return []int64{i}, nil
	}
	seen := map[int64]bool{}
	var all []int64
	border := size - size%256
	for _, i := range []int64{0, 1, 255, 256, size / 2, border - 1, border, size - 1} {
		if i >= 0 && i < size && !seen[i] {
			seen[i] = true
			all = append(all, i)
		}
	}
	return all, nil
}
