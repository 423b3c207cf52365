package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"filippo.io/age"

	"sigillo/bids"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
	"sigillo/internal/sheet"
	"sigillo/tender"
)

type keyCommand struct {
	New     keyNewCommand     `cmd:"" help:"Make a key on this computer."`
	Test    keyTestCommand    `cmd:"" help:"Try a key before the publication of a tender."`
	Release keyReleaseCommand `cmd:"" help:"Release the shares of opened envelopes."`
}

type keyNewCommand struct {
	Out   string `required:"" short:"o" help:"File for the private key; it must not exist."`
	Paper string `help:"PDF to print the key on, for a recovery key kept on paper. Print it, seal it in an envelope, delete the file."`
	Name  string `help:"What the paper says the key is for."`
}

// Run writes the private key to a file only its owner reads, and prints the
// public one.
func (c *keyNewCommand) Run(w *world) error {
	private, recipient, err := seal.NewIdentity()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "# %s\n# %s\n%s\n", fault.T("Chiave privata: non va consegnata a nessuno, nemmeno alla piattaforma.",
		"Private key: to be handed to nobody, not even the platform.").In(w.lang), seal.Fingerprint(recipient), private)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if c.Paper != "" {
		if err := c.print(private, recipient); err != nil {
			return err
		}
	}
	fmt.Fprintln(w.err, fault.T("Impronta: %s", "Fingerprint: %s", seal.Fingerprint(recipient)).In(w.lang))
	fmt.Fprintln(w.out, recipient)
	return nil
}

// print writes the recovery sheet: the private key as text and as a code to be
// read by a camera.
func (c *keyNewCommand) print(private, recipient string) error {
	f, err := os.OpenFile(c.Paper, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = sheet.Write(f, sheet.Sheet{
		Language: "it", Title: "CHIAVE DI RECUPERO", Subtitle: c.Name, Issuer: "Sigillo", At: time.Now().In(tender.Rome()),
		Blocks: []sheet.Block{
			sheet.Paragraph("Chi ha questo foglio può, insieme alla piattaforma e solo dopo l'ora di apertura, aprire le buste della gara. " +
				"Va chiuso in busta sigillata e custodito all'ufficio protocollo. Il file da cui è stampato va cancellato."),
			sheet.Facts{{Label: "Impronta della chiave pubblica", Value: seal.Fingerprint(recipient), Mono: true}},
			sheet.Heading("Chiave privata"), sheet.Code(private), sheet.QR(private),
			sheet.Heading("Come si usa"),
			sheet.Paragraph("Si copia la riga della chiave in un file e si esegue «sigillo key release --opening … --key FILE»."),
		},
		Foot: "Non fotografare, non spedire, non archiviare in forma elettronica.",
	})
	return errors.Join(err, f.Sync(), f.Close())
}

// custodian is a key file and the platform it is used with.
type custodian struct {
	server
	Key string `required:"" help:"File with the private key; it never leaves this computer."`
}

func (c custodian) identity() (age.Identity, string, error) {
	text, err := os.ReadFile(c.Key)
	if err != nil {
		return nil, "", err
	}
	return seal.ParseIdentity(text)
}

// place finds the custodian whose public key it is.
func place(all []tender.Custodian, recipient string) (int, error) {
	for i, one := range all {
		if one.Recipient == recipient {
			return i, nil
		}
	}
	return 0, fault.New(fault.Invalid, "not-a-custodian", "Questa chiave (impronta %s) non è tra quelle della gara.",
		"This key (fingerprint %s) is not among those of the tender.", seal.Fingerprint(recipient))
}

type keyTestCommand struct {
	custodian
	Tender string `required:"" help:"Id of the tender."`
}

// Run asks for a challenge, decrypts it here and gives the answer back.
func (c *keyTestCommand) Run(w *world) error {
	id, recipient, err := c.identity()
	if err != nil {
		return err
	}
	if err := testKey(w.ctx, c.client(w.lang), c.Tender, id, recipient); err != nil {
		return err
	}
	fmt.Fprintln(w.out, fault.T("Chiave provata: %s", "Key tried: %s", seal.Fingerprint(recipient)).In(w.lang))
	return nil
}

func testKey(ctx context.Context, api *client.Client, id string, key age.Identity, recipient string) error {
	t, err := fetchTender(ctx, api, id)
	if err != nil {
		return err
	}
	n, err := place(t.Custody.Custodians, recipient)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/v1/tenders/%s/custodians/%d/", id, n)
	var challenge struct {
		Message []byte `json:"message"`
	}
	if err := api.Do(ctx, "POST", path+"challenge", nil, &challenge); err != nil {
		return err
	}
	answer, err := seal.ReadMessage(challenge.Message, key)
	if err != nil {
		return err
	}
	return api.Do(ctx, "POST", path+"test", map[string]string{"answer": string(answer)}, nil)
}

type keyReleaseCommand struct {
	custodian
	Opening string `required:"" help:"Id of the opening."`
}

// Run unwraps this custodian's shares here and sends them encrypted to the
// sealer.
func (c *keyReleaseCommand) Run(w *world) error {
	id, recipient, err := c.identity()
	if err != nil {
		return err
	}
	o, err := releaseShares(w.ctx, c.client(w.lang), c.Opening, id, recipient)
	if err != nil {
		return err
	}
	for _, r := range o.Releases {
		if len(r.Unfit) > 0 {
			fmt.Fprintln(w.err, fault.T("Attenzione: %d offerte hanno una quota che non corrisponde a quella promessa; resta scritto di chi è.",
				"Attention: %d bids have a share that is not the one promised; whose doing it is stays recorded.", len(r.Unfit)).In(w.lang))
		}
	}
	if o.Missing > 0 {
		fmt.Fprintln(w.out, fault.T("Quote rilasciate. Mancano ancora %d custodi.", "Shares released. %d custodians are still missing.", o.Missing).In(w.lang))
		return nil
	}
	fmt.Fprintln(w.out, fault.T("Quote rilasciate: le buste %s sono aperte.", "Shares released: the envelopes %s are open.", string(o.Envelope)).In(w.lang))
	return nil
}

// released is what the tools need of an opening.
type released struct {
	ID       string          `json:"id"`
	Tender   string          `json:"tender"`
	Lot      string          `json:"lot"`
	Envelope tender.Envelope `json:"envelope"`
	Unsealed bool            `json:"unsealed"`
	Missing  int             `json:"missing"`
	Releases []struct {
		Unfit []string `json:"unfit"`
	} `json:"releases"`
}

func releaseShares(ctx context.Context, api *client.Client, opening string, key age.Identity, recipient string) (*released, error) {
	var wanted struct {
		Opening   released `json:"opening"`
		Recipient string   `json:"recipient"`
		Envelopes []struct {
			Label  seal.Label `json:"label"`
			Header []byte     `json:"header"`
		} `json:"envelopes"`
	}
	if err := api.Do(ctx, "GET", "/v1/openings/"+opening+"/shares", nil, &wanted); err != nil {
		return nil, err
	}
	t, err := fetchTender(ctx, api, wanted.Opening.Tender)
	if err != nil {
		return nil, err
	}
	n, err := place(t.Custody.Custodians, recipient)
	if err != nil {
		return nil, err
	}
	m := bids.SharesMessage{Lot: wanted.Opening.Lot, Envelope: string(wanted.Opening.Envelope), Pieces: map[string][]seal.Part{}}
	for _, e := range wanted.Envelopes {
		// One that does not open here is told by the sealer as unfit: it must not
		// stop the others.
		if pieces, err := seal.Parts(e.Header, e.Label, key); err == nil {
			m.Pieces[e.Label.Supplier] = pieces
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	message, err := seal.Message(wanted.Recipient, text)
	if err != nil {
		return nil, err
	}
	o := new(released)
	return o, api.Do(ctx, "POST", "/v1/openings/"+opening+"/shares", map[string]any{"custodian": n, "message": message}, o)
}
