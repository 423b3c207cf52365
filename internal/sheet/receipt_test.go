package sheet

import "time"

// receipt is a statement as a supplier gets it.
func receipt() Sheet {
	rome := time.FixedZone("CET", 3600)
	const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	s := Sheet{
		Language: "it",
		Title:    "RICEVUTA – OFFERTA INVIATA",
		Subtitle: "Lavori di consolidamento del ponte di Čadrg sull’Adige – lotto 2",
		Issuer:   "Sigillo · Provincia autonoma di Trento – Agenzia per gli appalti e contratti",
		At:       time.Date(2026, 11, 19, 11, 15, 4, 0, rome),
		Foot:     "Verifica: sigillo verify receipt ricevuta-000217.json, oppure https://gare.example.it/verifica. La versione per le macchine è allegata a questo PDF.",
		Attached: []Attached{{Name: "ricevuta-000217.json", Bytes: []byte(`{"numero":217,"oggetto":"perché"}`), Media: "application/json", Description: "La stessa ricevuta per le macchine"}},
	}
	s.Blocks = []Block{
		Paragraph("La piattaforma attesta di aver ricevuto l’offerta descritta qui sotto. Le buste restano sigillate: nessuno, nemmeno il gestore della piattaforma, può leggerle prima della seduta di apertura."),
		Heading("Offerta"),
		Facts{
			{Label: "Ricevuta n.", Value: "2026/000217"},
			{Label: "Gara", Value: "T-2026-0042 – Lavori di consolidamento del ponte di Čadrg sull’Adige, lotto 2: opere in alveo e ripristino delle spalle"},
			{Label: "CIG", Value: "B4F2A91C07", Mono: true},
			{Label: "Stazione appaltante", Value: "Provincia autonoma di Trento – Agenzia per gli appalti e contratti"},
			{Label: "Operatore economico", Value: "Costruzioni Dall’Ò & Figli S.r.l., Rovereto (TN) – P. IVA 01234567890"},
			{Label: "Importo a base di gara", Value: "1.234.567,80 €"},
			{Label: "Versione dell’offerta", Value: "2, sostituisce la versione 1 del 18/11/2026"},
		},
		Heading("Tempi ufficiali"),
		Facts{
			{Label: "Ricevuta il", Value: "19/11/2026, 11:15:03.482 CET (UTC+01:00)"},
			{Label: "Termine di scadenza", Value: "19/11/2026, 12:00:00.000 CET (UTC+01:00)"},
			{Label: "Impronta del manifesto", Value: digest, Mono: true},
		},
		Heading("Buste ricevute"),
		Table{
			Columns: []Column{{Title: "Busta", Share: 22}, {Title: "File", Share: 22}, {Title: "Impronta SHA-256", Share: 42, Mono: true}, {Title: "Byte", Share: 14, Right: true}},
			Rows: [][]string{
				{"A – Amministrativa ✓", "busta-a.age", digest, "1.482.113"},
				{"B – Tecnica ✓", "relazione_tecnica_definitiva_rev03.age", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "48.201.774"},
				{"C – Economica ✓", "busta-c.age", "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "20.480"},
			},
		},
		Heading("Posizione nel registro pubblico"),
		Paragraph("La ricevuta è la voce 18.442 del registro. La nota firmata qui sotto la fissa: chi la possiede può dimostrare che il registro non è stato riscritto."),
		Code("sigillo.example.it/registro\n18443\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— sigillo.example.it/registro Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n— testimone.example.org/1 5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8Az3grlgtzPICa5OS8npVmf1Myq/=\n"),
		Heading("Cosa succede ora"),
		Paragraph("1. Fino al termine può sostituire o ritirare l’offerta.\n2. La seduta di apertura è fissata per il 23/11/2026 alle 10:00 (CET).\n3. Conservi questo foglio: basta da solo a provare l’invio."),
		QR("https://gare.example.it/verifica/2026/000217#" + digest),
	}
	return s
}
