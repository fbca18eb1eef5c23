// Proofs by other people's code: Go's own log and note packages, and an implementation of C2SP tlog-proof.
//
//	proofs_in_go prove SIZE                  every inclusion and consistency proof of trees of up to SIZE leaves
//	proofs_in_go check VKEY PROOF ENTRY      a tlog-proof file, of the entry in another file
//	proofs_in_go cosign NAME PROOF           the file with a witness's line after the log's, and the witness's key
//	proofs_in_go grown VKEY OLD NEW HASH...  that the log of one checkpoint file is the beginning of the other's;
//	                                         VKEY,VKEY where another key of the log signed the newer one
//	proofs_in_go cosign-note NAME NOTE       a checkpoint with a witness's line after the log's, and the witness's key
//	proofs_in_go witnessed VKEY WITNESS NOTE that log and witness signed a checkpoint; says its size, and when
package main

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type stored []tlog.Hash

// ReadHashes gives the log package what it stored.
func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = s[index]
	}
	return found, nil
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func prove(size int64) {
	var all stored
	for n := range size {
		all = append(all, must(tlog.StoredHashes(n, fmt.Appendf(nil, "leaf %d", n), all))...)
		t := n + 1
		fmt.Println("root", t, must(tlog.TreeHash(t, all)))
		for index := range t {
			fmt.Println("record", t, index, []tlog.Hash(must(tlog.ProveRecord(t, index, all))))
			fmt.Println("tree", t, index+1, []tlog.Hash(must(tlog.ProveTree(t, index+1, all))))
		}
	}
}

func policy(vkey string) (torchwood.Policy, note.Verifier) {
	verifier := must(note.NewVerifier(vkey))
	return torchwood.ThresholdPolicy(2,
		torchwood.OriginPolicy(verifier.Name()), torchwood.SingleVerifierPolicy(verifier)), verifier
}

func check(vkey string, proof, entry []byte) {
	trusted, _ := policy(vkey)
	if err := torchwood.VerifyProof(trusted, tlog.RecordHash(entry), proof); err != nil {
		log.Fatal(err)
	}
}

func cosign(name string, proof []byte) {
	witness := must(torchwood.NewCosignatureSigner(name, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))))
	_, signed, _ := bytes.Cut(proof[bytes.Index(proof, []byte("\nindex ")):], []byte("\n\n"))
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	lines := must(note.Sign(&note.Note{Text: string(text) + "\n"}, witness))
	_, line, _ := bytes.Cut(lines, []byte("\n\n"))
	fmt.Printf("%s%s%s\n", proof, line, witness.Verifier())
}

func cosignNote(name string, signed []byte) {
	witness := must(torchwood.NewCosignatureSigner(name, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))))
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	lines := must(note.Sign(&note.Note{Text: string(text) + "\n"}, witness))
	_, line, _ := bytes.Cut(lines, []byte("\n\n"))
	fmt.Printf("%s%s%s\n", signed, line, witness.Verifier())
}

func witnessed(vkey, witness string, signed []byte) {
	_, verifier := policy(vkey)
	cosigner := must(torchwood.NewCosignatureVerifier(witness))
	both := torchwood.ThresholdPolicy(3, torchwood.OriginPolicy(verifier.Name()),
		torchwood.SingleVerifierPolicy(verifier), torchwood.SingleVerifierPolicy(cosigner))
	checkpoint, opened, err := torchwood.VerifyCheckpoint(signed, both)
	if err != nil {
		log.Fatal(err)
	}
	for _, signature := range opened.Sigs {
		if signature.Hash == cosigner.KeyHash() {
			fmt.Println(checkpoint.N, must(torchwood.CosignatureTimestamp(signature)))
		}
	}
}

func grown(vkeys string, old, new []byte, path []string) {
	first, second, two := strings.Cut(vkeys, ",")
	if !two {
		second = first
	}
	trusted, _ := policy(first)
	before, _, err := torchwood.VerifyCheckpoint(old, trusted)
	if err != nil {
		log.Fatal(err)
	}
	trusted, _ = policy(second)
	after, _, err := torchwood.VerifyCheckpoint(new, trusted)
	if err != nil {
		log.Fatal(err)
	}
	var hashes tlog.TreeProof
	for _, text := range path {
		hashes = append(hashes, must(tlog.ParseHash(text)))
	}
	if err := tlog.CheckTree(hashes, after.N, after.Hash, before.N, before.Hash); err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	switch arguments := os.Args[1:]; arguments[0] {
	case "prove":
		prove(must(strconv.ParseInt(arguments[1], 10, 64)))
	case "check":
		check(arguments[1], must(os.ReadFile(arguments[2])), must(os.ReadFile(arguments[3])))
	case "cosign":
		cosign(arguments[1], must(os.ReadFile(arguments[2])))
	case "cosign-note":
		cosignNote(arguments[1], must(os.ReadFile(arguments[2])))
	case "witnessed":
		witnessed(arguments[1], arguments[2], must(os.ReadFile(arguments[3])))
	case "grown":
		grown(arguments[1], must(os.ReadFile(arguments[2])), must(os.ReadFile(arguments[3])), arguments[4:])
	}
}
