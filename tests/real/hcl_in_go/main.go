// Reads the Terraform files of a folder with HashiCorp's own parser, follows every reference, and prints what it
// found as one JSON document: problems, and for each resource its attributes and blocks.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

type Block struct {
	Type       string   `json:"type"`
	Labels     []string `json:"labels"`
	Where      string   `json:"where"`
	Attributes []string `json:"attributes"`
	Blocks     []Block  `json:"blocks"`
}

type Found struct {
	Files    []string `json:"files"`
	Problems []string `json:"problems"`
	Blocks   []Block  `json:"blocks"`
}

type names map[string]bool

var found = Found{Files: []string{}, Problems: []string{}, Blocks: []Block{}}
var declared = names{}

func main() {
	paths, _ := filepath.Glob(filepath.Join(os.Args[1], "*.tf"))
	sort.Strings(paths)
	bodies := []*hclsyntax.Body{}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			problem(path, err.Error())
			continue
		}
		name := filepath.Base(path)
		found.Files = append(found.Files, name)
		inForm := bytes.Split(hclwrite.Format(source), []byte("\n"))
		for number, line := range bytes.Split(source, []byte("\n")) {
			if number < len(inForm) && !bytes.Equal(line, inForm[number]) {
				problem(fmt.Sprintf("%s:%d", name, number+1), "`terraform fmt` makes it: "+string(inForm[number]))
			}
		}
		file, diagnostics := hclsyntax.ParseConfig(source, name, hcl.InitialPos)
		for _, one := range diagnostics {
			problem(one.Subject.String(), one.Error())
		}
		if !diagnostics.HasErrors() {
			bodies = append(bodies, file.Body.(*hclsyntax.Body))
		}
	}
	for _, body := range bodies {
		declare(body)
	}
	for _, body := range bodies {
		for _, block := range body.Blocks {
			found.Blocks = append(found.Blocks, read(block, names{}))
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	_ = out.Encode(found)
}

func problem(where, text string) { found.Problems = append(found.Problems, where+": "+text) }

// What other expressions may name: each once.
func declare(body *hclsyntax.Body) {
	for _, block := range body.Blocks {
		switch block.Type {
		case "resource":
			declareOne(block.Labels[0]+"."+block.Labels[1], block)
		case "data":
			declareOne("data."+block.Labels[0]+"."+block.Labels[1], block)
		case "variable":
			declareOne("var."+block.Labels[0], block)
		case "module", "output":
			declareOne(block.Type+"."+block.Labels[0], block)
		case "locals":
			for name := range block.Body.Attributes {
				declareOne("local."+name, block)
			}
		}
	}
}

func declareOne(name string, block *hclsyntax.Block) {
	if declared[name] {
		problem(block.DefRange().String(), name+" is declared twice")
	}
	declared[name] = true
}

func read(block *hclsyntax.Block, iterators names) Block {
	one := Block{block.Type, block.Labels, block.DefRange().String(), []string{}, []Block{}}
	if block.Type == "terraform" || block.Type == "variable" {
		return one // what they hold are no references
	}
	for name, attribute := range block.Body.Attributes {
		one.Attributes = append(one.Attributes, name)
		// a provider's name, and names of arguments, are written like references and are none
		if name == "provider" || name == "ignore_changes" || name == "providers" {
			continue
		}
		follow(attribute.Expr, iterators)
	}
	sort.Strings(one.Attributes)
	for _, inner := range block.Body.Blocks {
		if inner.Type == "dynamic" {
			one.Blocks = append(one.Blocks, readDynamic(inner, iterators))
		} else {
			one.Blocks = append(one.Blocks, read(inner, iterators))
		}
	}
	return one
}

// `dynamic "x" { for_each, content }` stands for blocks `x`.
func readDynamic(block *hclsyntax.Block, iterators names) Block {
	name := block.Labels[0]
	inside := names{name: true}
	for one := range iterators {
		inside[one] = true
	}
	if each, ok := block.Body.Attributes["for_each"]; ok {
		follow(each.Expr, iterators)
	}
	for _, inner := range block.Body.Blocks {
		if inner.Type == "content" {
			one := read(inner, inside)
			one.Type = name
			return one
		}
	}
	problem(block.DefRange().String(), "a dynamic block without content")
	return Block{Type: name, Where: block.DefRange().String(), Attributes: []string{}, Blocks: []Block{}}
}

func follow(expression hclsyntax.Expression, iterators names) {
	for _, traversal := range expression.Variables() {
		root := traversal.RootName()
		if iterators[root] || root == "each" || root == "count" || root == "path" || root == "self" || root == "terraform" {
			continue
		}
		parts := []string{root}
		for _, step := range traversal[1:] {
			if attribute, ok := step.(hcl.TraverseAttr); ok {
				parts = append(parts, attribute.Name)
			} else {
				break
			}
		}
		length := 2
		if root == "data" {
			length = 3
		}
		if len(parts) < length {
			problem(traversal.SourceRange().String(), fmt.Sprintf("%v names nothing", parts))
			continue
		}
		name := parts[0] + "." + parts[1]
		if root == "data" {
			name += "." + parts[2]
		}
		if !declared[name] {
			problem(traversal.SourceRange().String(), name+" is not declared")
		}
	}
}
