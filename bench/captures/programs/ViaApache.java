import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.http.HttpEntity;
import org.apache.http.NameValuePair;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.entity.UrlEncodedFormEntity;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.entity.ContentType;
import org.apache.http.entity.StringEntity;
import org.apache.http.entity.mime.HttpMultipartMode;
import org.apache.http.entity.mime.MultipartEntityBuilder;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.message.BasicNameValuePair;

/** Sends a plan with Apache HttpClient 4 and its httpmime. */
class ViaApache {
    public static void main(String[] arguments) throws Exception {
        Plan plan = Plan.read(arguments[0]);
        HttpPost post = new HttpPost(plan.get("url"));
        switch (plan.get("mode")) {
            case "urlencoded" -> {
                List<NameValuePair> pairs = new ArrayList<>();
                for (String[] text : plan.texts) pairs.add(new BasicNameValuePair(text[0], text[1]));
                post.setEntity(new UrlEncodedFormEntity(pairs, StandardCharsets.UTF_8));
            }
            case "json" -> post.setEntity(new StringEntity(plan.json(), ContentType.APPLICATION_JSON));
            default -> post.setEntity(form(plan));
        }
        boolean expects = !plan.get("expect").isEmpty();
        post.setConfig(RequestConfig.custom().setExpectContinueEnabled(expects).build());
        try (CloseableHttpClient client = HttpClients.createMinimal()) {
            client.execute(post).close();
        }
    }

    private static HttpEntity form(Plan plan) {
        MultipartEntityBuilder form = MultipartEntityBuilder.create();
        // Strict sends types and transfer encodings with every part; the two browser-like modes do not.
        boolean strict = plan.get("mode").equals("strict");
        if (!strict) form.setMode(HttpMultipartMode.BROWSER_COMPATIBLE).setCharset(StandardCharsets.UTF_8);
        ContentType plain = ContentType.create("text/plain", StandardCharsets.UTF_8);
        for (String[] text : plan.texts) {
            // Without a charset of its own a text goes out as Latin-1, and every Chinese character as a question mark.
            if (plan.get("mode").equals("latin")) form.addTextBody(text[0], text[1]);
            else form.addTextBody(text[0], text[1], plain);
        }
        for (String[] file : plan.files) {
            String name = file[2].isEmpty() ? null : file[2];
            form.addBinaryBody(file[0], new File(file[1]), ContentType.create(file[3]), name);
        }
        return form.build();
    }
}
