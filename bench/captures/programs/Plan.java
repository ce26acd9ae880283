import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A plan: lines of cells apart by tabs, each percent-encoded. */
class Plan {
    final Map<String, String> one = new HashMap<>();
    final List<String[]> texts = new ArrayList<>();
    final List<String[]> files = new ArrayList<>();

    static Plan read(String path) throws Exception {
        Plan plan = new Plan();
        for (String line : Files.readAllLines(Path.of(path))) {
            String[] cells = line.split("\t", -1);
            for (int i = 0; i < cells.length; i++) cells[i] = URLDecoder.decode(cells[i], StandardCharsets.UTF_8);
            String[] rest = java.util.Arrays.copyOfRange(cells, 1, cells.length);
            if (cells[0].equals("text")) plan.texts.add(rest);
            else if (cells[0].equals("file")) plan.files.add(rest);
            else plan.one.put(cells[0], rest[0]);
        }
        return plan;
    }

    String get(String name) {
        return one.getOrDefault(name, "");
    }

    byte[] raw() throws Exception {
        return Files.readAllBytes(Path.of(get("body")));
    }

    String urlencoded() {
        StringBuilder text = new StringBuilder();
        for (String[] pair : texts) {
            if (text.length() > 0) text.append('&');
            text.append(pair[0]).append('=').append(URLEncoder.encode(pair[1], StandardCharsets.UTF_8));
        }
        return text.toString();
    }

    String json() {
        StringBuilder text = new StringBuilder("{");
        for (String[] pair : texts) {
            if (text.length() > 1) text.append(", ");
            text.append('"').append(pair[0]).append("\": \"").append(pair[1]).append('"');
        }
        return text.append('}').toString();
    }
}
