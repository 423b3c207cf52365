package docs

import (
	"fmt"
	"strings"
	"testing"
)

const cmap = "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange\n" +
	"2 beginbfchar <0001> <20AC> <0002> <0020> endbfchar 2 beginbfrange <0010> <0019> <0030> <0020> <0021> [<002C> <002E>] endbfrange endcmap"

func TestINC18AT026NamesOfEconomicOffers(t *testing.T) {
	for name, want := range map[string]Severity{
		"offerta economica.pdf":                         Blocking,
		"OffertaEconomica.pdf.p7m":                      Blocking,
		"OFFERTA_ECONOMICA_LOTTO_2_signed.pdf":          Blocking,
		"All. 5 - Off. econ. lotto 1.pdf":               Blocking,
		"Modello offerta di prezzo.docx":                Blocking,
		"ribasso.pdf":                                   Blocking,
		"Busta C.zip":                                   Blocking,
		"Computo metrico estimativo.xlsx":               Blocking,
		"economic-offer.pdf":                            Blocking,
		"Price schedule.xlsx":                           Blocking,
		`C:\gare\offerta economica.pdf`:                 Blocking,
		"computo metrico.pdf":                           Warning,
		"elenco prezzi.pdf":                             Warning,
		"analisi_prezzo.pdf":                            Warning,
		"procura firma offerta economica.pdf":           Warning,
		"computo metrico non estimativo.pdf":            "",
		"computo senza prezzi.pdf":                      "",
		"offerta tecnica.pdf":                           "",
		"dgue.xml":                                      "",
		"PassOE.pdf":                                    "",
		"capacita economica e finanziaria.pdf":          "",
		"offerta economicamente piu vantaggiosa.pdf":    "",
		"garanzia provvisoria.pdf":                      "",
		"F23 bollo 16,00 euro.pdf":                      "",
		"apprezzamenti dei clienti.pdf":                 "",
		"relazione sul sistema di riscaldamento 12.pdf": "",
	} {
		if got := priceInName(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestINC18AT026TextsWithPrices(t *testing.T) {
	for _, c := range []struct {
		what, text string
		want       Severity
	}{
		// prices
		{"title", "Allegato 5\nOFFERTA ECONOMICA\nIl sottoscritto ...", Blocking},
		{"title of a form", "Modello 3 - Dichiarazione di offerta economica\nLotto 1", Blocking},
		{"title, spread out", "O F F E R T A  E C O N O M I C A\nspett.le ente", Blocking},
		{"title in English", "FINANCIAL OFFER\nwe the undersigned", Blocking},
		{"discount", "il concorrente offre il ribasso unico percentuale del 12,345 % (dodici virgola", Blocking},
		{"discount in words of a form", "Ribasso percentuale offerto: ........ 12,5%", Blocking},
		{"discount stated", "Ribasso unico percentuale: 15,5 %", Blocking},
		{"discount on a list", "ribasso del 15,00% sull'elenco prezzi", Blocking},
		{"discount per cent", "si propone uno sconto pari al 7 per cento sul listino", Blocking},
		{"price", "Prezzo offerto € 123.456,78 oltre IVA", Blocking},
		{"price after its amount's sign", "Importo complessivo offerto euro 123456.78", Blocking},
		{"price without a sign", "Importo offerto in cifre: 98.765,00", Blocking},
		{"offer", "La nostra offerta economica è pari a EUR 1.200.000", Blocking},
		{"we offer", "offriamo per l'intera fornitura il prezzo di 45.000,00 €", Blocking},
		{"unit price", "prezzo unitario € 12,50 al metro", Blocking},
		{"labour", "I costi della manodopera sono pari a € 45.000,00", Blocking},
		{"own safety", "oneri aziendali per la salute e la sicurezza: € 1.500,00", Blocking},
		{"English", "our offered price is EUR 12,345.67", Blocking},
		{"base and offer", "importo a base di gara € 100.000,00; importo offerto € 90.000,00", Blocking},
		{"ligatures", "oﬀriamo un ribasso del 12%", Blocking},
		{"a price in a technical report", "il sistema costa 12.000 euro all'anno", Warning},
		{"a discount that nobody offers", "lo sconto del 10% si intende per legge", Warning},
		// what envelopes A and B lawfully hold
		{"turnover", "DGUE: fatturato globale degli ultimi tre esercizi: € 12.345.678,90", Warning},
		{"turnover in English", "general yearly turnover: EUR 1,234,567", Warning},
		{"guarantee", "GARANZIA PROVVISORIA\nImporto garantito: € 24.000,00, pari al 2% dell'importo a base di gara. Il prezzo offerto 90.000,00 non rileva.", Warning},
		{"guarantee for an offer", "garanzia a corredo dell'offerta economica per euro 5.000,00", Warning},
		{"share capital", "capitale sociale € 100.000 i.v.", Warning},
		{"the authority's estimate", "costi della manodopera stimati dalla stazione appaltante in € 45.000,00", Warning},
		{"the tender's own papers", "DISCIPLINARE DI GARA\nil concorrente che offre un ribasso del 20% o più", Warning},
		{"security for a low price", "in caso di ribasso del 25% la garanzia definitiva aumenta", Warning},
		{"a draft contract", "SCHEMA DI CONTRATTO\nil prezzo offerto è pari a € 10.000,00", Warning},
		{"a total that is no price", "total amount of turnover: EUR 1,000,000", Warning},
		{"anomaly", "per ribassi offerti superiori al 20% si verifica l'anomalia", Warning},
		{"stamp duty", "imposta di bollo assolta con marca da bollo da € 16,00 n. 0123456789", ""},
		{"stamp duty in words", "marca da bollo da euro 16,00 (sedici/00)", ""},
		{"stamp duty of the offer", "bollo sull'offerta economica: euro 16", ""},
		{"remunerative", "dichiara remunerativa l'offerta economica presentata giacché per la sua formulazione ha preso atto delle condizioni", ""},
		{"criterion", "criterio dell'offerta economicamente più vantaggiosa, art. 108, 70 punti e 30 punti", ""},
		{"index of envelopes", "Busta A - Documentazione amministrativa\nBusta C\nOfferta economica", ""},
		{"PassOE", "PassOE 1234-5678-9012-3456 CIG A012345678 del 12/11/2026", ""},
		{"shares of a group", "mandataria 60 %, mandante 40 %", ""},
		{"subcontracting", "intende subappaltare il 30,5 % delle prestazioni", ""},
		{"time", "riduzione offerta: ribasso sui tempi di esecuzione del 20 %", ""},
		{"engines", "tutti i mezzi sono Euro 6, tre Euro 5", ""},
		{"numbers", "portata 1.234,56 l/s; norma UNI 11.337; tel. 0461 123.456", ""},
		{"a form not filled in", "ribasso percentuale offerto ______ % (in lettere ______)", ""},
	} {
		for _, f := range preflight(t, "documento.txt", "A", c.text).Findings {
			if f.Code != "price-in-envelope" {
				t.Errorf("%s: got %s", c.what, f.Code)
			}
			if f.Severity != c.want {
				t.Errorf("%s: got %s, want %q", c.what, f.Severity, c.want)
			}
			if strings.ContainsAny(f.Text.IT+f.Text.EN, "0123456789€") {
				t.Errorf("%s: quotes what it found: %s", c.what, f.Text.IT)
			}
			c.want = ""
		}
		if c.want != "" {
			t.Errorf("%s: got nothing, want %s", c.what, c.want)
		}
	}
}

// TestINC18AT026EveryFormat: the same price, however it is written.
func TestINC18AT026EveryFormat(t *testing.T) {
	const price = "Prezzo offerto: € 12.345,67"
	winAnsi := strings.ReplaceAll(price, "€", "\x80")
	text := "BT /F1 12 Tf 72 700 Td (" + winAnsi + ") Tj ET"
	hex := fmt.Sprintf("BT /F1 12 Tf <%x> Tj ET", winAnsi)
	shared := `<sst><si><t>Prezzo</t></si><si><r><t>Prezzo </t></r><r><t>offerto</t></r></si></sst>`
	cells := `<row><c r="A1" t="s"><v>1</v></c><c r="B1" s="4"><v>12345.67</v></c></row>`
	for _, c := range []struct{ what, name, body string }{
		{"text", "a.txt", price},
		{"text in Windows-1252", "a.txt", winAnsi},
		{"text in UTF-16", "a.txt", "\xff\xfe" + utf16LE(price)},
		{"CSV", "a.csv", "voce;valore\nprezzo offerto;12.345,67\n"},
		{"XML", "a.xml", "<?xml version='1.0'?><o><nome>prezzo offerto</nome><v currencyID=\"EUR\">12345.67</v></o>"},
		{"DOCX", "a.docx", packed(t, "word/document.xml", "<w:document><w:p><w:r><w:t>Prez</w:t></w:r><w:r><w:t>zo offerto</w:t></w:r></w:p><w:p>&#8364; 12.345,67</w:p></w:document>")},
		{"ODT", "a.odt", packed(t, "mimetype", mediaODF+"text", "content.xml", "<text:p>"+price+"</text:p>")},
		{"XLSX", "a.xlsx", packed(t, "xl/workbook.xml", "<x/>", "xl/sharedStrings.xml", shared, "xl/worksheets/sheet1.xml", cells)},
		{"XLSX, the table last", "a.xlsx", packed(t, "xl/workbook.xml", "<x/>", "xl/worksheets/sheet1.xml", cells, "xl/sharedStrings.xml", shared)},
		{"archive", "a.zip", packed(t, "x/", "", "x/b.txt", price)},
		{"name in an archive", "a.zip", packed(t, "x/offerta economica.pdf", "x")},
		{"archive in an archive", "a.zip", packed(t, "b.zip", packed(t, "c.txt", price))},
		{"PDF", "a.pdf", onePage(helvetica, stream("", text))},
		{"PDF of fpdf", "a.pdf", paper(t, nil, price)},
		{"hexadecimal", "a.pdf", onePage(helvetica, stream("", hex))},
		{"deflated", "a.pdf", onePage(helvetica, stream("/Filter /FlateDecode", deflated(text)))},
		{"deflated, in ASCII", "a.pdf", onePage(helvetica, stream("/Filter [/ASCIIHexDecode /FlateDecode]", fmt.Sprintf("%x>", deflated(text))))},
		{"letter by letter", "a.pdf", onePage(helvetica, stream("", "BT /F1 12 Tf [(Pr)20(ez)-10(zo)-300(off)(erto:)] TJ -5 -14 TD <80> Tj [(12.)5(345,67)] TJ ET"))},
		{"moved letter by letter", "a.pdf", onePage("/F1 <</Subtype /TrueType /BaseFont /X /Encoding /WinAnsiEncoding /FirstChar 32 /Widths ["+strings.Repeat("500 ", 224)+"]>>",
			stream("", "BT /F1 10 Tf 1 0 0 1 72 700 Tm (P) Tj 5.1 0 Td (rezzo) Tj 29 0 Td (offer) Tj 1 0 0 1 131 700 Tm (to \x80 12.34) Tj 60.1 0 Td (5,67) Tj ET"))},
		{"a form that is shared", "a.pdf", onePage(helvetica+">>/XObject <</X 5 0 R", stream("", "/X Do"), "5 0 obj "+stream("/Subtype /Form", text))},
		{"a field filled in", "a.pdf", strings.Replace(onePage(helvetica, stream("", "")), "/Contents", "/Annots [<</Subtype /Widget /T (prezzo_offerto) /V (12.345,67)>>] /Contents", 1)},
		{"a font with its own letters", "a.pdf", onePage(helvetica+"/F2 <</Subtype /Type0 /ToUnicode 5 0 R>>",
			stream("", "BT /F1 12 Tf (prezzo offerto ) Tj /F2 12 Tf <00010002001100120021001300140015002000160017> Tj ET"), "5 0 obj "+stream("/Filter /FlateDecode", deflated(cmap)))},
		{"a font with letters moved", "a.pdf", onePage("/F1 <</Subtype /Type1 /Encoding <</Differences [1 /Euro 2 /o /ff]>>>>",
			stream("", "BT /F1 12 Tf (prezzo \x02\x03erto \x01 12) Tj ET"))},
		{"objects in a stream", "a.pdf", packedPDF()},
	} {
		for _, envelope := range []string{"A", "B"} {
			v := preflight(t, c.name, envelope, c.body)
			if !v.Blocking() || !strings.Contains(codes(v.Findings), "price-in-envelope") || strings.Contains(codes(v.Findings), "text-not-scanned") {
				t.Errorf("%s: in %s got %v", c.what, envelope, v.Findings)
			}
		}
		if v := preflight(t, c.name, "C", c.body); len(v.Findings) > 0 {
			t.Errorf("%s: in C got %v", c.what, v.Findings)
		}
	}
}

func TestLongTextIsReadAsFarAsItGoes(t *testing.T) {
	for cut := range 4 {
		body := strings.Repeat(" ", cut) + strings.Repeat("€ 12 ", 1<<20)
		if text, whole := plainText(strings.NewReader(body)); whole || !strings.HasPrefix(body, text) || len(text) <= maxAllText-4 {
			t.Errorf("%d: got %d bytes, %t", cut, len(text), whole)
		}
	}
	paragraphs := "<p>" + strings.Repeat("x", 60<<10) + "</p>"
	if text, whole := document(strings.NewReader(strings.Repeat(paragraphs, 100))); whole || len(text) > maxAllText || len(text) < maxAllText/2 {
		t.Errorf("got %d bytes, %t", len(text), whole)
	}
}

func utf16LE(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r), byte(r>>8))
	}
	return string(b)
}

func TestLotHint(t *testing.T) {
	for name, want := range map[string]int{
		"lotto 2.pdf": 2, "Offerta_Lotto2_signed.pdf.p7m": 2, "OffertaLotto12.pdf": 12, "relazione LOTTO N. 03.pdf": 3, "lotto n°4.pdf": 4,
		"Los 5 Bericht.pdf": 5, "lot-7.pdf": 7, "lotto 2 - allegato lotto 2.pdf": 2,
		"lotto.pdf": 0, "lotti 1 e 2.pdf": 0, "lotto 1 e 2.pdf": 0, "lotto 1 lotto 2.pdf": 0, "pilotto 2.pdf": 0, "slot 2.pdf": 0, "lotto 0.pdf": 0,
		"lotto 1234.pdf": 0, "relazione.pdf": 0, "lotto unico.pdf": 0, "": 0,
	} {
		if got, ok := LotHint(name); got != want || ok != (want > 0) {
			t.Errorf("%s: got %d, %t", name, got, ok)
		}
	}
}
