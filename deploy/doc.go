// Package deploy holds what compose.yaml needs to build and balance the
// replicas. It promises, by its test, that the file stays valid and names only
// settings the program knows. It contains no code of the product.
package deploy
