// The loop of `biztoken drill --serve` around a client in Java 17 or newer: `java Client.java http://127.0.0.1:PORT`.
// Standard library only; your own JSON library reads replies better than the two patterns here.
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Client {
    static final Set<String> AGAIN = Set.of("INTERNAL_ERROR", "CONCURRENCY_LIMIT_EXCEEDED");
    static HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    static String sign(String key, String secret) throws Exception {
        long now = System.currentTimeMillis() / 1000;
        long random = (new SecureRandom().nextLong() >>> 1) % 10_000_000_000L;
        byte[] raw = String.format("a=%s&b=%d&c=%d&d=%010d", key, now + 600, now, random).getBytes();
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(secret.getBytes(), "HmacSHA1"));
        byte[] digest = mac.doFinal(raw);
        byte[] whole = new byte[digest.length + raw.length];
        System.arraycopy(digest, 0, whole, 0, digest.length);
        System.arraycopy(raw, 0, whole, digest.length, raw.length);
        return Base64.getEncoder().encodeToString(whole);
    }

    // Your own client stands here: it returns a biz_token or throws with the reason.
    static String getBizToken(String url, String key, String secret) throws Exception {
        for (int attempt = 0; ; attempt++) {
            Map<String, String> fields = new LinkedHashMap<>();
            fields.put("sign", sign(key, secret));
            fields.put("sign_version", "hmac_sha1");
            fields.put("liveness_type", "meglive");
            fields.put("comparison_type", "1");
            fields.put("idcard_name", "张三");
            fields.put("idcard_number", "990101199003071237");
            fields.put("biz_no", UUID.randomUUID().toString());
            fields.put("verbose", "1");
            String boundary = UUID.randomUUID().toString();
            StringBuilder body = new StringBuilder();
            fields.forEach((name, value) -> body.append("--").append(boundary)
                .append("\r\nContent-Disposition: form-data; name=\"").append(name).append("\"\r\n\r\n")
                .append(value).append("\r\n"));
            body.append("--").append(boundary).append("--\r\n");
            var request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(10))
                .header("Content-Type", "multipart/form-data; boundary=" + boundary)
                .POST(HttpRequest.BodyPublishers.ofString(body.toString(), StandardCharsets.UTF_8)).build();
            var reply = http.send(request, BodyHandlers.ofString());
            String token = text(reply.body(), "biz_token");
            if (reply.statusCode() == 200 && token != null && reply.body().strip().endsWith("}")) {
                return token;
            }
            String error = text(reply.body(), "error");
            if (error == null || !AGAIN.contains(error) || attempt == 2) {
                throw new IOException("HTTP " + reply.statusCode() + ": " + (error == null ? reply.body() : error));
            }
            Thread.sleep(300L << attempt);
        }
    }

    static String drill(String server, String verb, String said) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(server + "/" + verb))
            .POST(HttpRequest.BodyPublishers.ofString(said)).build();
        return http.send(request, BodyHandlers.ofString()).body();
    }

    static String text(String json, String name) {
        var found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        return found.find() ? found.group(1) : null;
    }

    static String quoted(String text) {
        StringBuilder told = new StringBuilder("\"");
        text.chars().forEach(c -> told.append(c < 32 || c == '"' || c == '\\' ? String.format("\\u%04x", c) : (char) c));
        return told.append('"').toString();
    }

    static void trust(String authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        try (var file = Files.newInputStream(Path.of(authority))) {
            store.setCertificateEntry("drill", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).sslContext(context).build();
    }

    public static void main(String[] arguments) throws Exception {
        String server = arguments[0];
        String begun = drill(server, "start", "{}");
        trust(text(begun, "cacert"));
        String said = "{}";
        for (String now; text(now = drill(server, "next", said), "drill") != null; ) {
            try {
                getBizToken(text(now, "url"), text(begun, "api_key"), text(begun, "api_secret"));
                said = "{\"outcome\": \"success\", \"output\": \"\"}";
            } catch (IOException problem) {
                said = "{\"outcome\": \"failure\", \"output\": " + quoted(String.valueOf(problem)) + "}";
            }
        }
        String report = drill(server, "report", "{}");
        System.out.println(text(report, "verdict") + " see " + text(report, "directory") + "/index.html");
        var code = Pattern.compile("\"exit_code\"\\s*:\\s*(\\d)").matcher(report);
        System.exit(code.find() ? Integer.parseInt(code.group(1)) : 2);
    }
}
