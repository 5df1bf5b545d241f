package main

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
)

// list writes the identifiers of all images.
func (s *server) list(w http.ResponseWriter) {
	ids := []string{}
	err := fs.WalkDir(os.DirFS(s.dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && name != "." && strings.HasPrefix(d.Name(), ".") && d.IsDir() {
			return fs.SkipDir
		}
		kinds := []string{".jp2", ".jpx", ".jph", ".j2k", ".j2c", ".jpc", ".jhc"}
		if err == nil && !d.IsDir() && slices.Contains(kinds, strings.ToLower(path.Ext(name))) {
			ids = append(ids, name)
		}
		return err
	})
	if err != nil {
		http.Error(w, "the directory cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(ids)
}
