// The loop of `biztoken drill --serve` around a client in Go: `go run client.go http://127.0.0.1:PORT`.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"mime/multipart"
	"net/http"
	"os"
	"time"
)

func sign(key, secret string) string {
	now := time.Now().Unix()
	random, _ := rand.Int(rand.Reader, big.NewInt(10_000_000_000))
	raw := fmt.Sprintf("a=%s&b=%d&c=%d&d=%010d", key, now+600, now, random)
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(raw))
	return base64.StdEncoding.EncodeToString(append(mac.Sum(nil), raw...))
}

// Your own client stands here: it returns a biz_token, or an error with the reason.
func getBizToken(client *http.Client, url, key, secret string) (string, error) {
	for attempt := 0; ; attempt++ {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for name, value := range map[string]string{
			"sign": sign(key, secret), "sign_version": "hmac_sha1", "liveness_type": "meglive",
			"comparison_type": "1", "idcard_name": "张三", "idcard_number": "990101199003071237",
			"biz_no": fmt.Sprintf("go-%d", time.Now().UnixNano()), "verbose": "1",
		} {
			form.WriteField(name, value)
		}
		form.Close()
		reply, err := client.Post(url, form.FormDataContentType(), &body)
		if err != nil {
			return "", err
		}
		answer, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		if err != nil {
			return "", err
		}
		var said struct {
			BizToken string `json:"biz_token"`
			Error    string `json:"error"`
		}
		if err := json.Unmarshal(answer, &said); err != nil {
			return "", fmt.Errorf("HTTP %d: %.200s", reply.StatusCode, answer)
		}
		if reply.StatusCode == 200 && said.BizToken != "" {
			return said.BizToken, nil
		}
		isBusy := said.Error == "INTERNAL_ERROR" || said.Error == "CONCURRENCY_LIMIT_EXCEEDED"
		if !isBusy || attempt == 2 {
			return "", fmt.Errorf("HTTP %d: %s", reply.StatusCode, said.Error)
		}
		time.Sleep(300 * time.Millisecond << attempt)
	}
}

type object map[string]any

func drill(server, verb string, said object) object {
	body, _ := json.Marshal(said)
	reply, err := http.Post(server+"/"+verb, "application/json", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	defer reply.Body.Close()
	answer := object{}
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil {
		panic(err)
	}
	return answer
}

func main() {
	server := os.Args[1]
	begun := drill(server, "start", object{})
	authorities := x509.NewCertPool()
	pem, _ := os.ReadFile(begun["cacert"].(string))
	authorities.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	said := object{}
	for {
		now := drill(server, "next", said)
		if now["done"] == true {
			break
		}
		_, err := getBizToken(client, now["url"].(string), begun["api_key"].(string), begun["api_secret"].(string))
		said = object{"outcome": "success", "output": ""}
		if err != nil {
			said = object{"outcome": "failure", "output": err.Error()}
		}
	}
	report := drill(server, "report", object{})
	fmt.Println(report["verdict"], "see", report["directory"].(string)+"/index.html")
	os.Exit(int(report["exit_code"].(float64)))
}
