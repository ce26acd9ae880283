import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** Sends a plan with java.net.http; it has no multipart, so that body is made by hand. */
class ViaHttpClient {
    public static void main(String[] arguments) throws Exception {
        Plan plan = Plan.read(arguments[0]);
        String url = plan.get("url"), kind = plan.get("content_type");
        BodyPublisher body = BodyPublishers.noBody();
        switch (plan.get("mode")) {
            case "urlencoded" -> {
                body = BodyPublishers.ofString(plan.urlencoded());
                kind = "application/x-www-form-urlencoded";
            }
            case "json" -> {
                body = BodyPublishers.ofString(plan.json());
                kind = "application/json";
            }
            case "query" -> url += "?" + plan.urlencoded();
            case "chunked" -> body = BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(plan.raw()));
            default -> body = BodyPublishers.ofByteArray(plan.raw());
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url)).method(plan.get("method"), body);
        if (!kind.isEmpty()) request.header("Content-Type", kind);
        if (!plan.get("expect").isEmpty()) request.expectContinue(true);
        // As it is, this client asks for HTTP/2 with every request.
        HttpClient.Builder client = HttpClient.newBuilder();
        if (!plan.get("mode").equals("h2c")) client.version(HttpClient.Version.HTTP_1_1);
        client.build().send(request.build(), BodyHandlers.ofString());
        System.exit(0);
    }
}
