<?php
// Sends a plan with PHP's curl.
require __DIR__ . "/plan.php";
$plan = read_plan($argv[1]);
$texts = array_column($plan["texts"], 1, 0);
$curl = curl_init($plan["url"]);
curl_setopt_array($curl, [CURLOPT_POST => true, CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 20]);
if ($plan["mode"] === "urlencoded") {
    curl_setopt($curl, CURLOPT_POSTFIELDS, http_build_query($texts));
} elseif ($plan["mode"] === "raw") {
    curl_setopt($curl, CURLOPT_POSTFIELDS, file_get_contents($plan["body"]));
    curl_setopt($curl, CURLOPT_HTTPHEADER, ["Content-Type: " . $plan["content_type"]]);
} else {
    $headers = empty($plan["expect"]) ? [] : ["Expect: 100-continue"];
    foreach ($plan["files"] as $file) {
        if ($plan["mode"] === "at-path") {
            // Until PHP 5.5 this sent the file.
            $texts[$file["name"]] = "@" . $file["path"];
        } elseif ($plan["mode"] === "quoted-name") {
            // An old trick to send bytes in memory as a file; libcurl escapes the quotes since 7.81.
            $texts[$file["name"] . '"; filename="' . $file["filename"]] = file_get_contents($file["path"]);
        } else {
            $texts[$file["name"]] = new CURLFile($file["path"], $file["type"], $file["filename"]);
        }
    }
    if ($plan["mode"] === "chunked") {
        $headers[] = "Transfer-Encoding: chunked";
    }
    if (!empty($plan["content_type"])) {
        $headers[] = "Content-Type: " . $plan["content_type"];
    }
    curl_setopt($curl, CURLOPT_POSTFIELDS, $texts);
    curl_setopt($curl, CURLOPT_HTTPHEADER, $headers);
}
curl_exec($curl);
