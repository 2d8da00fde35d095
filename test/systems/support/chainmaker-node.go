// A small node over the engines of ChainMaker, goleveldb and tidwall/wal, for tests: `write DIR bfdb|wal` commits blocks to a
// data folder of its layout until SIGTERM, `dump DIR bfdb|wal` prints what each engine's own reader gives.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/tidwall/wal"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var databases = []string{"block", "state", "history", "result"}

const chain = "chain1"

// Blocks of one file; a consensus log is cut at its front every so many, and so many are left.
const perFile, cutEvery, cutLeaves = 4000, 1000, 100

type node struct {
	store string
	level map[string]*leveldb.DB
	votes *wal.Log
	// One of these.
	blocks *wal.Log
	files  string
}

func open(dir, mode string) *node {
	n := &node{store: filepath.Join(dir, "ledgerData1", chain), level: map[string]*leveldb.DB{}}
	// Small tables, so that there are many, and compactions all the time.
	options := &opt.Options{WriteBuffer: 256 << 10, CompactionTableSize: 128 << 10}
	openLevel := func(name, path string) {
		db, err := leveldb.OpenFile(path, options)
		fail(err)
		n.level[name] = db
	}
	for _, name := range databases {
		openLevel(name, filepath.Join(dir, name, chain, "store_"+name))
	}
	openLevel("local", filepath.Join(n.store, "localdb"))
	openLog := func(name string) *wal.Log {
		log, err := wal.Open(filepath.Join(n.store, name), &wal.Options{NoSync: true, SegmentSize: 256 << 10, LogFormat: wal.Binary, SegmentCacheSize: 2})
		fail(err)
		return log
	}
	n.votes = openLog("tbftwal")
	if mode == "wal" {
		n.blocks = openLog("wal")
	} else {
		n.files = filepath.Join(n.store, "bfdb")
		fail(os.MkdirAll(n.files, 0o755))
	}
	return n
}

func (n *node) height() int {
	value, err := n.level["local"].Get([]byte("height"), nil)
	if err == leveldb.ErrNotFound {
		return 0
	}
	fail(err)
	height, err := strconv.Atoi(string(value))
	fail(err)
	return height
}

func blockOf(height int) []byte {
	return []byte(fmt.Sprintf("block %d %s", height, strings.Repeat("x", height%300)))
}

func (n *node) put(name, key string, value []byte) {
	fail(n.level[name].Put([]byte(key), value, nil))
}

// Appends to the file that is live, and closes it by giving it its name without END.
func (n *node) append(height int) {
	name := filepath.Join(n.files, fmt.Sprintf("%020d.fdb", height-height%perFile+1))
	file, err := os.OpenFile(name+".END", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	fail(err)
	block := blockOf(height)
	record := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(block))
	record = append(binary.AppendUvarint(record, uint64(len(block))), block...)
	_, err = file.Write(record)
	fail(err)
	fail(file.Close())
	if height%perFile == perFile-1 {
		fail(os.Rename(name+".END", name))
	}
}

func (n *node) commit(height int) {
	if n.blocks != nil {
		fail(n.blocks.Write(uint64(height+1), blockOf(height)))
	} else {
		n.append(height)
	}
	n.put("block", fmt.Sprintf("b%020d", height), []byte(strconv.Itoa(height)+strings.Repeat("b", 60)))
	n.put("state", fmt.Sprintf("key%04d", (height*7919)%5003), []byte(strconv.Itoa(height)+strings.Repeat("s", 90)))
	n.put("history", fmt.Sprintf("key%04d", (height*7919)%5003), []byte(strconv.Itoa(height)))
	n.put("result", fmt.Sprintf("r%020d", height), []byte("ok"))
	fail(n.votes.Write(uint64(height+1), []byte(fmt.Sprintf("vote %d", height))))
	if (height+1)%cutEvery == 0 {
		fail(n.votes.TruncateFront(uint64(height + 2 - cutLeaves)))
	}
	n.put("local", "height", []byte(strconv.Itoa(height+1)))
}

func write(dir, mode string) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	n := open(dir, mode)
	height := n.height()
	fail(os.WriteFile(dir+".pid", []byte(strconv.Itoa(os.Getpid())), 0o644))
	for {
		select {
		case <-stop:
			// As a node that is killed: databases and logs are not closed in order.
			stops, err := os.OpenFile(dir+".stops", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			fail(err)
			fmt.Fprintln(stops, height)
			fail(os.Remove(dir + ".pid"))
			return
		default:
		}
		n.commit(height)
		height++
		if height >= 6000 && height%1000 == 0 {
			fail(os.WriteFile(dir+".reached", nil, 0o644))
		}
		time.Sleep(50 * time.Microsecond)
	}
}

func (n *node) dump() {
	out := bufio.NewWriter(os.Stdout)
	for _, name := range append(databases, "local") {
		rows := n.level[name].NewIterator(nil, nil)
		for rows.Next() {
			fmt.Fprintf(out, "%s %s %s\n", name, rows.Key(), rows.Value())
		}
		rows.Release()
		fail(rows.Error())
	}
	dumpLog := func(name string, log *wal.Log) {
		first, err := log.FirstIndex()
		fail(err)
		last, err := log.LastIndex()
		fail(err)
		for at := first; at <= last; at++ {
			record, err := log.Read(at)
			fail(err)
			fmt.Fprintf(out, "%s %d %s\n", name, at, record)
		}
	}
	dumpLog("tbftwal", n.votes)
	if n.blocks != nil {
		dumpLog("wal", n.blocks)
	} else {
		dumpFiles(out, n.files)
	}
	fail(out.Flush())
}

func dumpFiles(out *bufio.Writer, dir string) {
	names, err := filepath.Glob(filepath.Join(dir, "*.fdb*"))
	fail(err)
	sort.Strings(names)
	height := 0
	for _, name := range names {
		bytes, err := os.ReadFile(name)
		fail(err)
		for len(bytes) > 0 {
			length, size := binary.Uvarint(bytes[4:])
			block := bytes[4+size : 4+size+int(length)]
			if crc32.ChecksumIEEE(block) != binary.LittleEndian.Uint32(bytes) {
				fail(fmt.Errorf("%s: a block has another checksum", name))
			}
			height++
			fmt.Fprintf(out, "bfdb %d %s\n", height, block)
			bytes = bytes[4+size+int(length):]
		}
	}
}

func main() {
	if os.Args[1] == "write" {
		write(os.Args[2], os.Args[3])
	} else {
		open(os.Args[2], os.Args[3]).dump()
	}
}
