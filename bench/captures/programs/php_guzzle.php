<?php
// Sends a plan with Guzzle.
require "/usr/share/php/GuzzleHttp/autoload.php";
require __DIR__ . "/plan.php";
$plan = read_plan($argv[1]);
$texts = array_column($plan["texts"], 1, 0);
$client = new GuzzleHttp\Client(["http_errors" => false, "timeout" => 20]);
$headers = empty($plan["content_type"]) ? [] : ["Content-Type" => $plan["content_type"]];
$options = [];
if ($plan["mode"] === "urlencoded") {
    $options = ["form_params" => $texts];
} elseif ($plan["mode"] === "json") {
    $options = ["json" => $texts];
} elseif ($plan["mode"] === "query") {
    $options = ["query" => $texts];
} else {
    $parts = [];
    foreach ($plan["texts"] as [$name, $value]) {
        $parts[] = ["name" => $name, "contents" => $value];
    }
    foreach ($plan["files"] as $file) {
        $part = ["name" => $file["name"], "contents" => file_get_contents($file["path"])];
        if ($file["filename"] !== "") {
            $part["filename"] = $file["filename"];
        }
        $parts[] = $part + ["headers" => ["Content-Type" => $file["type"]]];
    }
    $options = ["multipart" => $parts, "headers" => $headers];
    if (!empty($plan["expect"])) {
        $options["expect"] = true;
    }
}
$client->request($plan["method"], $plan["url"], $options);
