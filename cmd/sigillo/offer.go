package main

import "sigillo/internal/money"

// checkAnswer checks one structured answer of an economic envelope as the
// ranking will read it.
func checkAnswer(name, text string, decimals int) error {
	if name == "discount" {
		_, err := money.ParsePercent(text, decimals)
		return err
	}
	_, err := money.ParseAmount(text)
	return err
}
