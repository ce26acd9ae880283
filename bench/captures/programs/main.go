// Sends a plan with Go's net/http and mime/multipart.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	plan := map[string]string{"method": "POST", "mode": "multipart"}
	var texts, files [][]string
	content, err := os.ReadFile(os.Args[1])
	check(err)
	for _, line := range strings.Split(strings.TrimRight(string(content), "\n"), "\n") {
		cells := strings.Split(line, "\t")
		for i := range cells {
			cells[i], err = url.PathUnescape(cells[i])
			check(err)
		}
		switch cells[0] {
		case "text":
			texts = append(texts, cells[1:])
		case "file":
			files = append(files, cells[1:])
		default:
			plan[cells[0]] = cells[1]
		}
	}
	target, kind := plan["url"], plan["content_type"]
	values, object := url.Values{}, map[string]string{}
	for _, text := range texts {
		values.Add(text[0], text[1])
		object[text[0]] = text[1]
	}
	var body io.Reader
	switch plan["mode"] {
	case "urlencoded":
		body, kind = strings.NewReader(values.Encode()), "application/x-www-form-urlencoded"
	case "json":
		encoded, err := json.Marshal(object)
		check(err)
		body, kind = bytes.NewReader(encoded), "application/json"
	case "query":
		target += "?" + values.Encode()
	case "raw":
		raw, err := os.ReadFile(plan["body"])
		check(err)
		body = bytes.NewReader(raw)
	default:
		buffer := &bytes.Buffer{}
		form := multipart.NewWriter(buffer)
		for _, text := range texts {
			check(form.WriteField(text[0], text[1]))
		}
		for _, file := range files {
			data, err := os.ReadFile(file[1])
			check(err)
			var part io.Writer
			if file[2] == "" {
				head := textproto.MIMEHeader{}
				head.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q", file[0]))
				head.Set("Content-Type", file[3])
				part, err = form.CreatePart(head)
			} else {
				part, err = form.CreateFormFile(file[0], file[2])
			}
			check(err)
			_, err = part.Write(data)
			check(err)
		}
		// A common mistake is to forget this: it writes the closing boundary.
		if plan["mode"] != "not-closed" {
			check(form.Close())
		}
		if kind == "" {
			kind = form.FormDataContentType()
		}
		body = buffer
		if plan["mode"] == "chunked" {
			body = struct{ io.Reader }{buffer} // of unknown length
		}
	}
	request, err := http.NewRequest(plan["method"], target, body)
	check(err)
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if plan["expect"] != "" {
		request.Header.Set("Expect", "100-continue")
	}
	reply, err := (&http.Client{Transport: &http.Transport{ExpectContinueTimeout: 5e9}}).Do(request)
	check(err)
	_, err = io.Copy(io.Discard, reply.Body)
	check(err)
}
