// make-log writes a small log as a folder of C2SP files, made with Go's own code alone. It is what the checkers are
// tried on before they are let loose on Modeltrail: one that accepted anything would be worth nothing.
//
// usage: make-log DIR SIZE OLDER-SIZE
//
// DIR then holds checkpoint, older (a checkpoint of OLDER-SIZE), ledger.vkey, headers.jsonl (one leaf a line) and tile/.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	origin     = "example.com/ml"
	tileHeight = 8
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: make-log DIR SIZE OLDER-SIZE")
		os.Exit(2)
	}
	size, err1 := strconv.ParseInt(os.Args[2], 10, 32)
	older, err2 := strconv.ParseInt(os.Args[3], 10, 32)
	if err1 != nil || err2 != nil || older < 1 || older > size {
		fmt.Fprintln(os.Stderr, "make-log: SIZE and OLDER-SIZE are numbers, 1 <= OLDER-SIZE <= SIZE")
		os.Exit(2)
	}
	if err := write(os.Args[1], size, older); err != nil {
		fmt.Fprintln(os.Stderr, "make-log:", err)
		os.Exit(1)
	}
}

func write(dir string, size, older int64) error {
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = hashes[index]
		}
		return found, nil
	})
	var lines, bundle bytes.Buffer
	for i := int64(0); i < size; i++ {
		header := []byte(fmt.Sprintf(`{"index":%d,"origin":%q}`, i, origin))
		lines.Write(append(header, '\n'))
		stored, err := tlog.StoredHashes(i, header, reader)
		if err != nil {
			return err
		}
		hashes = append(hashes, stored...)
		bundle.Write(binary.BigEndian.AppendUint16(nil, uint16(len(header))))
		bundle.Write(header)
		if (i+1)%256 == 0 || i+1 == size {
			tile := tlog.Tile{H: tileHeight, L: -1, N: i / 256, W: int(i%256) + 1}
			if err := save(dir, c2spPath(tile), bundle.Bytes()); err != nil {
				return err
			}
			bundle.Reset()
		}
	}
	if err := save(dir, "headers.jsonl", lines.Bytes()); err != nil {
		return err
	}
	for _, tile := range tlog.NewTiles(tileHeight, 0, size) {
		data, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return err
		}
		if err := save(dir, c2spPath(tile), data); err != nil {
			return err
		}
	}
	return sign(dir, reader, map[string]int64{"checkpoint": size, "older": older})
}

func sign(dir string, reader tlog.HashReader, sizes map[string]int64) error {
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	for name, size := range sizes {
		root, err := tlog.TreeHash(size, reader)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			return err
		}
		if err := save(dir, name, signed); err != nil {
			return err
		}
	}
	return save(dir, "ledger.vkey", []byte(public+"\n"))
}

// c2spPath turns Go's tile/8/L/N[.p/W] into C2SP's tile/L/N[.p/W], and its data tiles into entry bundles.
func c2spPath(tile tlog.Tile) string {
	path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/"+strconv.Itoa(tile.H)+"/")
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

func save(dir, name string, data []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
