import java.io.File;
import okhttp3.FormBody;
import okhttp3.MediaType;
import okhttp3.MultipartBody;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okio.BufferedSink;

/** Sends a plan with OkHttp. */
class ViaOkHttp {
    public static void main(String[] arguments) throws Exception {
        Plan plan = Plan.read(arguments[0]);
        RequestBody body;
        switch (plan.get("mode")) {
            case "urlencoded" -> {
                FormBody.Builder form = new FormBody.Builder();
                for (String[] text : plan.texts) form.add(text[0], text[1]);
                body = form.build();
            }
            case "json" -> body = RequestBody.create(MediaType.parse("application/json; charset=utf-8"), plan.json());
            default -> {
                MultipartBody.Builder form = new MultipartBody.Builder().setType(MultipartBody.FORM);
                for (String[] text : plan.texts) form.addFormDataPart(text[0], text[1]);
                for (String[] file : plan.files) {
                    RequestBody content = RequestBody.create(MediaType.parse(file[3]), new File(file[1]));
                    form.addFormDataPart(file[0], file[2].isEmpty() ? null : file[2], content);
                }
                body = form.build();
            }
        }
        if (plan.get("mode").equals("chunked")) body = ofUnknownLength(body);
        Request.Builder request = new Request.Builder().url(plan.get("url")).method(plan.get("method"), body);
        if (!plan.get("expect").isEmpty()) request.header("Expect", "100-continue");
        new OkHttpClient().newCall(request.build()).execute().close();
        System.exit(0);
    }

    private static RequestBody ofUnknownLength(RequestBody body) {
        return new RequestBody() {
            @Override
            public MediaType contentType() {
                return body.contentType();
            }

            @Override
            public void writeTo(BufferedSink sink) throws java.io.IOException {
                body.writeTo(sink);
            }
        };
    }
}
