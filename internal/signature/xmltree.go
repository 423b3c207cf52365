package signature

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
)

// node is an element of a signature, which is small enough to be held as a tree.
type node struct {
	element
	attr     []xml.Attr
	text     []byte
	children []*node
}

// tree reads a signature. What it envelops is left where it is.
func (d *document) tree(e element) (*node, error) {
	top := &node{}
	open := []*node{top}
	count, skipping := 0, 0
	err := d.tokens(e, func(t xml.Token, in *scope, start, end, depth int) error {
		last := open[len(open)-1]
		switch t := t.(type) {
		case xml.StartElement:
			name := xml.Name{Space: in.lookup(t.Name.Space), Local: t.Name.Local}
			inObject := len(open) == 3 && last.name == xml.Name{Space: nsDSig, Local: "Object"}
			if skipping > 0 || inObject && !(strings.HasPrefix(name.Space, nsETSI) && name.Local == "QualifyingProperties") {
				skipping++
				return nil
			}
			if count++; count > maxNodes {
				return errTooMuch
			}
			outer := e.outer
			if len(open) > 1 {
				outer = last.inner()
			}
			n := &node{element: element{name: name, start: start, outer: outer}, attr: t.Attr}
			last.children = append(last.children, n)
			open = append(open, n)
		case xml.EndElement:
			if skipping > 0 {
				skipping--
				return nil
			}
			last.end = end
			open = open[:len(open)-1]
		case xml.CharData:
			if skipping == 0 {
				last.text = append(last.text, t...)
			}
		}
		return nil
	})
	if err != nil || len(top.children) != 1 {
		return nil, errors.Join(err, errXML)
	}
	return top.children[0], nil
}

// inner is the scope inside a node.
func (n *node) inner() *scope {
	in, err := n.outer.enter(xml.StartElement{Attr: n.attr})
	if err != nil {
		return n.outer // never: tokens entered it already
	}
	return in
}

// child is the first child of a name; nil has none.
func (n *node) child(path ...string) *node {
	for _, local := range path {
		if n == nil {
			return nil
		}
		var found *node
		for _, c := range n.children {
			if c.name.Local == local && (c.name.Space == nsDSig || strings.HasPrefix(c.name.Space, nsETSI)) {
				found = c
				break
			}
		}
		n = found
	}
	return n
}

// all are the children of a name.
func (n *node) all(local string) []*node {
	var out []*node
	if n != nil {
		for _, c := range n.children {
			if c.name.Local == local && (c.name.Space == nsDSig || strings.HasPrefix(c.name.Space, nsETSI)) {
				out = append(out, c)
			}
		}
	}
	return out
}

// get is an attribute without prefix; "" when it is not there.
func (n *node) get(local string) string {
	if n != nil {
		for _, a := range n.attr {
			if a.Name.Space == "" && a.Name.Local == local {
				return a.Value
			}
		}
	}
	return ""
}

// words is the text of a node without the white space around it.
func (n *node) words() string {
	if n == nil {
		return ""
	}
	return string(bytes.TrimSpace(n.text))
}
