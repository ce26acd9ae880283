// Sends a plan with .NET's HttpClient or HttpWebRequest, on Mono.
using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;

class ViaMono
{
    static Dictionary<string, string> one = new Dictionary<string, string>();
    static List<string[]> texts = new List<string[]>(), files = new List<string[]>();

    static void Main(string[] arguments)
    {
        foreach (var line in File.ReadAllLines(arguments[0]))
        {
            var cells = Array.ConvertAll(line.Split('\t'), Uri.UnescapeDataString);
            if (cells[0] == "text") texts.Add(cells);
            else if (cells[0] == "file") files.Add(cells);
            else one[cells[0]] = cells[1];
        }
        if (one["mode"] == "raw") SendRaw();
        else Send();
    }

    static void Send()
    {
        var client = new HttpClient();
        client.DefaultRequestHeaders.ExpectContinue = one.ContainsKey("expect");
        HttpContent content;
        if (one["mode"] == "urlencoded")
        {
            var pairs = new List<KeyValuePair<string, string>>();
            foreach (var text in texts) pairs.Add(new KeyValuePair<string, string>(text[1], text[2]));
            content = new FormUrlEncodedContent(pairs);
        }
        else
        {
            var form = new MultipartFormDataContent();
            foreach (var text in texts) form.Add(new StringContent(text[2]), text[1]);
            foreach (var file in files)
            {
                var part = new ByteArrayContent(File.ReadAllBytes(file[2]));
                part.Headers.ContentType = new MediaTypeHeaderValue(file[4]);
                if (file[3] == "") form.Add(part, file[1]);
                else form.Add(part, file[1], file[3]);
            }
            content = form;
        }
        if (one["mode"] == "chunked") client.DefaultRequestHeaders.TransferEncodingChunked = true;
        client.PostAsync(one["url"], content).Wait();
    }

    static void SendRaw()
    {
        var request = (HttpWebRequest)WebRequest.Create(one["url"]);
        var body = File.ReadAllBytes(one["body"]);
        request.Method = one["method"];
        request.ContentType = one["content_type"];
        request.ContentLength = body.Length;
        using (var stream = request.GetRequestStream()) stream.Write(body, 0, body.Length);
        request.GetResponse().Close();
    }
}
