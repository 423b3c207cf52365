package store

import (
	"encoding/json"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/tender"
)

// documents lists the documents that snapshots speak of. Those the tender has
// published come along; of the others there is the hash.
func (b *bundling) documents(tenderID string, all []audit.Shown) error {
	for _, x := range all {
		if x.Withheld != "" {
			continue
		}
		var list []audit.BundleDocument
		switch x.Object.Type {
		case "tender":
			var t tender.Tender
			if err := json.Unmarshal(x.Doc, &t); err != nil {
				return err
			}
			list = papersOf(&t)
		case "opening":
			var o bids.Opening
			if err := json.Unmarshal(x.Doc, &o); err != nil {
				return err
			}
			list = contentsOf(&o)
		}
		for _, d := range list {
			d.Tender = tenderID
			if err := b.out.Document(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// papersOf lists the documents of a tender, once it is published: what a draft
// held and left out was never a document of the tender.
func papersOf(t *tender.Tender) []audit.BundleDocument {
	var all []audit.BundleDocument
	if t.PublishedAt == nil {
		return nil
	}
	for _, p := range t.Papers {
		d := audit.BundleDocument{SHA256: p.Hash.String(), Size: p.Size, Kind: string(p.Kind), Name: p.Name}
		if p.Confidential {
			d.Reason = "documento riservato (art. 35 c. 4)"
		}
		all = append(all, d)
	}
	return all
}

// contentsOf lists what was inside the envelopes.
func contentsOf(o *bids.Opening) []audit.BundleDocument {
	var all []audit.BundleDocument
	for _, b := range o.Bids {
		for _, i := range b.Items {
			all = append(all, audit.BundleDocument{SHA256: i.SHA256, Size: i.Size, Kind: i.Kind, Name: i.Name, Bid: b.Bid, Reason: "documento di un'offerta (art. 35)"})
		}
	}
	return all
}
