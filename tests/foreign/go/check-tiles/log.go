package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	// tileHeight is C2SP's: tiles of 2^8 hashes, bundles of 2^8 entries.
	tileHeight = 8
	// maxResource bounds one answer: 256 entries of at most 65,535 bytes and their lengths fit.
	maxResource = 17 << 20
	timeout     = 30 * time.Second
)

var errNotFound = errors.New("404 not found")

// log is a remote log at one verified checkpoint.
type log struct {
	base   string
	client *http.Client
	keys   note.Verifiers
	origin string
	tree   tlog.Tree
	hashes tlog.HashReader
}

// readKeys reads C2SP verifier keys, one a line.
func readKeys(file string) (note.Verifiers, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []note.Verifier
	for _, line := range strings.Fields(string(text)) {
		verifier, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, verifier)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no verifier key in it", file)
	}
	return note.VerifierList(all...), nil
}

// openLog fetches and verifies the newest checkpoint. base is an http or file URL.
func openLog(base string, keys note.Verifiers) (*log, error) {
	transport := &http.Transport{}
	transport.RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	l := &log{base: strings.TrimSuffix(base, "/"), keys: keys, client: &http.Client{Transport: transport, Timeout: timeout}}
	text, err := l.fetch("checkpoint")
	if err != nil {
		return nil, err
	}
	l.origin, l.tree, err = parseCheckpoint(text, keys)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	l.hashes = tlog.TileHashReader(l.tree, l)
	return l, nil
}

// parseCheckpoint verifies the note and reads origin, size and root from it.
func parseCheckpoint(text []byte, keys note.Verifiers) (string, tlog.Tree, error) {
	var tree tlog.Tree
	opened, err := note.Open(text, keys)
	if err != nil {
		return "", tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return "", tree, fmt.Errorf("%d lines where a checkpoint has three", len(lines)-1)
	}
	if lines[0] != opened.Sigs[0].Name {
		return "", tree, fmt.Errorf("origin %q is signed by a key of %q", lines[0], opened.Sigs[0].Name)
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || tree.N < 0 || lines[1] != strconv.FormatInt(tree.N, 10) {
		return "", tree, fmt.Errorf("size %q is not a plain decimal", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return "", tree, fmt.Errorf("root %q is not the base64 of 32 bytes", lines[2])
	}
	copy(tree.Hash[:], root)
	return lines[0], tree, nil
}

// fetch reads one resource below the base.
func (l *log) fetch(path string) ([]byte, error) {
	answer, err := l.client.Get(l.base + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s: %w", path, errNotFound)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxResource+1))
	if err == nil && len(body) > maxResource {
		err = fmt.Errorf("%s: over %d bytes", path, maxResource)
	}
	return body, err
}

// fetchPart reads a tile of the given width; a log that has grown since may serve only the full one.
func (l *log) fetchPart(path string, width int) ([]byte, error) {
	if width == 1<<tileHeight {
		return l.fetch(path)
	}
	body, err := l.fetch(fmt.Sprintf("%s.p/%d", path, width))
	if errors.Is(err, errNotFound) {
		return l.fetch(path)
	}
	return body, err
}

// c2spPath turns Go's tile/8/L/N[.p/W] into C2SP's tile/L/N, without the part.
func c2spPath(tile tlog.Tile) string {
	tile.W = 1 << tile.H
	return "tile/" + strings.TrimPrefix(tile.Path(), "tile/"+strconv.Itoa(tile.H)+"/")
}

// Height is a method of tlog.TileReader.
func (l *log) Height() int { return tileHeight }

// ReadTiles is a method of tlog.TileReader, whose caller checks what comes back against the root.
func (l *log) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, 0, len(tiles))
	for _, tile := range tiles {
		data, err := l.fetchPart(c2spPath(tile), tile.W)
		if err != nil {
			return nil, err
		}
		if len(data) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes where %d hashes are due", c2spPath(tile), len(data), tile.W)
		}
		all = append(all, data[:tile.W*tlog.HashSize])
	}
	return all, nil
}

// SaveTiles is a method of tlog.TileReader: nothing is kept.
func (l *log) SaveTiles([]tlog.Tile, [][]byte) {}

// entry reads entry i out of its bundle: big-endian u16 lengths before each.
func (l *log) entry(i int64) ([]byte, error) {
	bundle := i >> tileHeight
	width := 1 << tileHeight
	if bundle == l.tree.N>>tileHeight {
		width = int(l.tree.N - bundle<<tileHeight)
	}
	// Entry bundles stand where Go has data tiles: level -1 is written "data" there, "entries" in C2SP.
	path := strings.Replace(c2spPath(tlog.Tile{H: tileHeight, L: -1, N: bundle}), "tile/data/", "tile/entries/", 1)
	rest, err := l.fetchPart(path, width)
	if err != nil {
		return nil, err
	}
	for at := bundle << tileHeight; ; at++ {
		if len(rest) < 2 {
			return nil, fmt.Errorf("%s: ends before entry %d", path, at)
		}
		length := int(binary.BigEndian.Uint16(rest))
		if len(rest) < 2+length {
			return nil, fmt.Errorf("%s: entry %d is cut short", path, at)
		}
		if at == i {
			return rest[2 : 2+length], nil
		}
		rest = rest[2+length:]
	}
}

// checkInclusion proves entry i from the tiles, and checks the proof against the checkpoint's root.
func (l *log) checkInclusion(i int64) error {
	header, err := l.entry(i)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveRecord(l.tree.N, i, l.hashes)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, l.tree.N, l.tree.Hash, i, tlog.RecordHash(header))
}

// checkConsistency proves that the log at the checkpoint in the file is a prefix of this one; it returns its size.
func (l *log) checkConsistency(file string) (int64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	origin, older, err := parseCheckpoint(text, l.keys)
	if err != nil {
		return 0, err
	}
	if origin != l.origin {
		return 0, fmt.Errorf("it is of %q, not of %q", origin, l.origin)
	}
	if older.N < 1 || older.N > l.tree.N {
		return 0, fmt.Errorf("its size %d is not between 1 and %d", older.N, l.tree.N)
	}
	proof, err := tlog.ProveTree(l.tree.N, older.N, l.hashes)
	if err != nil {
		return 0, err
	}
	return older.N, tlog.CheckTree(proof, l.tree.N, l.tree.Hash, older.N, older.Hash)
}
