package signature

import (
	"errors"
	"slices"
	"time"

	"sigillo/internal/fault"
)

func finding(code, it, en string) Finding {
	return Finding{code, fault.Text{IT: it, EN: en}}
}

// withFinding adds one that is not there yet.
func withFinding(all []Finding, f Finding) []Finding {
	if slices.ContainsFunc(all, func(have Finding) bool { return have.Code == f.Code }) {
		return all
	}
	return append(all, f)
}

// About a file as a whole.
var (
	damaged = finding("damaged-container",
		"Il file firmato è danneggiato o incompleto: lo scarichi o lo esporti di nuovo.",
		"The signed file is damaged or incomplete: download or export it again.")
	otherContainer = finding("not-a-signature",
		"Il file è una busta crittografica ma non una firma (è cifrato, o soltanto marcato): carichi il file firmato.",
		"The file is a cryptographic envelope but not a signature (encrypted, or only time-stamped): upload the signed file.")
	notAsNamed = finding("not-signed-as-named",
		"Il nome del file dice che è firmato, ma non contiene alcuna firma: controlli di aver caricato il file giusto.",
		"The file's name says it is signed, but it holds no signature: check that you uploaded the right file.")
	tooMuch = finding("beyond-limits",
		"Il file contiene più certificati o firme di quanti se ne leggono: va controllato con un altro programma.",
		"The file holds more certificates or signatures than are read here: check it with another program.")
	noSigners = finding("no-signers",
		"Il contenitore di firma non contiene alcuna firma: firmi il documento e lo carichi di nuovo.",
		"The signature container holds no signature: sign the document and upload it again.")
	nested = finding("nested",
		"Il file contiene firme una dentro l'altra: quelle esterne firmano anche le interne.",
		"The file holds signatures one inside another: the outer ones sign the inner ones too.")
	nestedTooDeep = finding("nested-too-deep",
		"Il file è firmato più di cinque volte una dentro l'altra: le firme più interne non sono state controllate.",
		"The file is signed more than five times one inside another: the innermost signatures were not checked.")
	trailing = finding("trailing-bytes",
		"Dopo la firma il file contiene altri dati che nessuno ha firmato.",
		"After the signature the file holds other data that nobody signed.")
	asText = finding("signed-as-text",
		"Il file firmato è codificato in testo (Base64): non tutti i programmi lo aprono.",
		"The signed file is encoded as text (Base64): not every program opens it.")
	addedAfter = finding("added-after-signing",
		"Al PDF è stato aggiunto qualcosa dopo l'ultima firma: ciò che si vede può non essere ciò che è stato firmato.",
		"Something was added to the PDF after the last signature: what is seen may not be what was signed.")
	badRange = finding("bad-byte-range",
		"Il PDF contiene una firma che non indica correttamente i dati firmati: lo firmi di nuovo.",
		"The PDF holds a signature that does not state properly what it signs: sign it again.")
	xmlTooLarge = finding("xml-too-large",
		"Il file XML firmato supera i 32 MiB: le firme non sono state controllate qui.",
		"The signed XML file is larger than 32 MiB: its signatures were not checked here.")
	xmlDamaged = finding("damaged-xml",
		"Il file XML firmato non è ben formato, o usa costrutti non ammessi (DTD): lo esporti di nuovo.",
		"The signed XML file is not well formed, or uses what is not allowed (DTD): export it again.")
	zipDamaged = finding("damaged-archive",
		"Il contenitore ASiC è danneggiato: lo scarichi o lo esporti di nuovo.",
		"The ASiC container is damaged: download or export it again.")
	zipBomb = finding("archive-bomb",
		"Il contenitore ASiC si espande oltre il limite e non è stato controllato.",
		"The ASiC container unpacks beyond the limit and was not checked.")
	uncovered = finding("unsigned-documents",
		"Il contenitore ASiC contiene documenti che una delle firme non copre.",
		"The ASiC container holds documents that one of the signatures does not cover.")
)

// About one signature.
var (
	tampered = finding("tampered",
		"Il documento è stato modificato dopo la firma: chieda l'originale firmato.",
		"The document was changed after it was signed: ask for the signed original.")
	forged = finding("bad-signature",
		"La firma non corrisponde al certificato: non è stata apposta da chi dichiara, o è stata alterata.",
		"The signature does not match the certificate: it was not made by whom it names, or was altered.")
	malformedSignature = finding("malformed-signature",
		"La firma è scritta in modo non valido: firmi di nuovo il documento con un programma aggiornato.",
		"The signature is not written validly: sign the document again with an up-to-date program.")
	otherCertificate = finding("other-certificate",
		"La firma indica un certificato diverso da quello allegato: non si può attribuirla a chi compare.",
		"The signature names another certificate than the one enclosed: it cannot be ascribed to whom it shows.")
	weakAlgorithm = finding("weak-algorithm",
		"La firma usa un algoritmo o una chiave non più sicuri (SHA-1, o RSA sotto 2048 bit): va rifatta.",
		"The signature uses an algorithm or key no longer safe (SHA-1, or RSA under 2048 bits): sign again.")
	unsupportedAlgorithm = finding("unsupported-algorithm",
		"La firma usa un algoritmo che qui non si verifica: va controllata con un altro programma.",
		"The signature uses an algorithm not verified here: check it with another program.")
	detached = finding("detached",
		"La firma è separata dal documento e senza di esso non si verifica: carichi il documento firmato in un solo file (.p7m).",
		"The signature is apart from the document and cannot be verified without it: upload the signed document as one file (.p7m).")
	countersigned = finding("countersigned",
		"La firma è a sua volta controfirmata; la controfirma non è stata verificata qui.",
		"The signature is countersigned; the countersignature was not verified here.")
	notXAdES = finding("not-xades-bes",
		"La firma XML non indica quale certificato l'ha apposta (non è XAdES): va rifatta con un programma di firma digitale.",
		"The XML signature does not say which certificate made it (not XAdES): sign again with a digital signature program.")
	partial = finding("partly-signed",
		"La firma copre solo una parte del file XML: il resto può essere stato cambiato.",
		"The signature covers only a part of the XML file: the rest may have been changed.")
	unsupportedXML = finding("unsupported-transform",
		"La firma XML trasforma i dati in un modo che qui non si verifica: va controllata con un altro programma.",
		"The XML signature transforms the data in a way not verified here: check it with another program.")
	noReference = finding("missing-reference",
		"La firma si riferisce a dati che nel file non ci sono: chieda il file completo.",
		"The signature refers to data that the file does not hold: ask for the whole file.")
	unsupportedFilter = finding("unsupported-pdf-signature",
		"La firma nel PDF è di un tipo che qui non si verifica: va controllata con un altro programma.",
		"The signature in the PDF is of a kind not verified here: check it with another program.")
	earlierRevision = finding("earlier-revision",
		"La firma copre una versione precedente del PDF: ciò che è stato aggiunto dopo non è firmato da questa persona.",
		"The signature covers an earlier version of the PDF: what was added later is not signed by this person.")
	badStamp = finding("bad-time-stamp",
		"La marca temporale non è valida o riguarda un altro documento: non prova alcuna data.",
		"The time stamp is not valid or is of another document: it proves no date.")
	untrustedStamp = finding("untrusted-time-stamp",
		"La marca temporale non è di un'autorità nell'elenco di fiducia: non prova alcuna data.",
		"The time stamp is not by an authority in the trust list: it proves no date.")
	timeNotProven = finding("time-not-proven",
		"La data della firma è dichiarata da chi ha firmato e non provata da una marca temporale.",
		"The date of the signature is what the signer says; no time stamp proves it.")
	inFuture = finding("time-in-future",
		"La data dichiarata della firma è nel futuro: l'orologio di chi ha firmato era sbagliato.",
		"The stated date of the signature lies in the future: the signer's clock was wrong.")
	untrusted = finding("untrusted",
		"Il certificato non è rilasciato da un certificatore nell'elenco di fiducia: verifichi chi l'ha emesso.",
		"The certificate was not issued by an authority in the trust list: check who issued it.")
	notGranted = finding("issuer-not-granted",
		"Il certificatore è nell'elenco di fiducia, ma alla data della firma non era abilitato o il suo certificato non era valido.",
		"The issuer is in the trust list, but when the document was signed it was not authorised or its certificate was not valid.")
	noTrustList = finding("no-trust-list",
		"Non è caricato alcun elenco di certificatori: l'attendibilità del certificato non è stata controllata.",
		"No trust list is loaded: whether the certificate can be trusted was not checked.")
	notQualified = finding("not-qualified",
		"Il certificato non si dichiara qualificato: la firma può non valere come firma digitale (CAD art. 24).",
		"The certificate does not state that it is qualified: the signature may not count as a digital one (CAD art. 24).")
	noDevice = finding("no-qualified-device",
		"Il certificato non dichiara che la chiave è in un dispositivo di firma qualificato.",
		"The certificate does not state that its key is in a qualified signature device.")
	notForSigning = finding("not-for-signing",
		"Il certificato serve ad altro che a firmare documenti (per esempio all'autenticazione): usi quello di firma.",
		"The certificate is for something else than signing documents (such as logging in): use the signing one.")
)

// notBaseline is a signature that does not name its certificate.
func notBaseline(cades bool) Finding {
	if cades {
		return finding("not-cades-bes",
			"La firma non indica quale certificato l'ha apposta (non è CAdES): va rifatta con un programma di firma digitale.",
			"The signature does not say which certificate made it (not CAdES): sign again with a digital signature program.")
	}
	return finding("not-pades-baseline",
		"La firma nel PDF è di tipo semplice e non indica quale certificato l'ha apposta (non è PAdES).",
		"The signature in the PDF is of the plain kind and does not say which certificate made it (not PAdES).")
}

func certificateMissing(unreadable bool) Finding {
	if unreadable {
		return finding("certificate-unreadable",
			"Il certificato di chi ha firmato è di un tipo che qui non si legge: va controllato con un altro programma.",
			"The signer's certificate is of a kind not read here: check it with another program.")
	}
	return finding("certificate-missing",
		"Il file non contiene il certificato di chi ha firmato: firmi di nuovo includendo il certificato.",
		"The file does not hold the signer's certificate: sign again and include the certificate.")
}

func algorithmFault(err error) Finding {
	switch {
	case errors.Is(err, errWeak):
		return weakAlgorithm
	case errors.Is(err, errUnsupported):
		return unsupportedAlgorithm
	case errors.Is(err, errBad):
		return forged
	}
	return malformedSignature
}

const dayLayout = "02/01/2006"

func expired(on time.Time) Finding {
	day := on.Format(dayLayout)
	return Finding{"expired", fault.T(
		"Il certificato è scaduto il %s e nulla prova che la firma sia di prima: chieda una firma con un certificato valido.",
		"The certificate expired on %s and nothing proves that the signature is older: ask for one with a valid certificate.", day)}
}

func notYetValid(on time.Time) Finding {
	day := on.Format(dayLayout)
	return Finding{"not-yet-valid", fault.T(
		"Il certificato vale solo dal %s, dopo la data della firma: controlli la data del computer e firmi di nuovo.",
		"The certificate is valid only from %s, after the date of the signature: check the computer's date and sign again.", day)}
}
