// A small node over Badger, for tests: `write DIR` writes blocks until SIGTERM, `dump DIR` prints every key and value as
// Badger's own reader gives them.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/dgraph-io/badger/v4"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func open(dir string) *badger.DB {
	// Small files, so that there are several of each kind, and values in the value log.
	options := badger.DefaultOptions(dir).WithLogger(nil).WithMemTableSize(1 << 20).WithValueLogFileSize(1 << 20).WithValueThreshold(512)
	db, err := badger.Open(options)
	fail(err)
	return db
}

func heightOf(db *badger.DB) int {
	height := 0
	fail(db.View(func(txn *badger.Txn) error {
		item, err := txn.Get([]byte("height"))
		if err == badger.ErrKeyNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return item.Value(func(value []byte) (err error) {
			height, err = strconv.Atoi(string(value))
			return err
		})
	}))
	return height
}

// write commits one block a transaction: a key that comes again and again, and the height.
func write(db *badger.DB, dir string) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	height := heightOf(db)
	fail(os.WriteFile(dir+".pid", []byte(strconv.Itoa(os.Getpid())), 0o644))
	for {
		select {
		case <-stop:
			fail(db.Close())
			stops, err := os.OpenFile(dir+".stops", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			fail(err)
			fmt.Fprintln(stops, height)
			fail(os.Remove(dir + ".pid"))
			return
		default:
		}
		fail(db.Update(func(txn *badger.Txn) error {
			size := 90
			if height%3 == 0 {
				size = 900
			}
			key := []byte(fmt.Sprintf("key%d", (height*7919)%5003))
			if err := txn.Set(key, []byte(strconv.Itoa(height)+strings.Repeat("x", size))); err != nil {
				return err
			}
			return txn.Set([]byte("height"), []byte(strconv.Itoa(height+1)))
		}))
		height++
		if height%2000 == 0 {
			fail(os.WriteFile(dir+".reached", []byte(strconv.Itoa(height)), 0o644))
		}
	}
}

func dump(db *badger.DB) {
	out := bufio.NewWriter(os.Stdout)
	fail(db.View(func(txn *badger.Txn) error {
		all := txn.NewIterator(badger.DefaultIteratorOptions)
		defer all.Close()
		for all.Rewind(); all.Valid(); all.Next() {
			item := all.Item()
			if err := item.Value(func(value []byte) error {
				_, err := fmt.Fprintf(out, "%s %s\n", item.Key(), value)
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	fail(out.Flush())
	fail(db.VerifyChecksum())
	fail(db.Close())
}

func main() {
	db := open(os.Args[2])
	if os.Args[1] == "write" {
		write(db, os.Args[2])
	} else {
		dump(db)
	}
}
