<?php
// Reads a plan: lines of cells apart by tabs, each percent-encoded.
function read_plan(string $path): array
{
    $plan = ["texts" => [], "files" => [], "method" => "POST", "mode" => "multipart"];
    foreach (file($path, FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES) as $line) {
        $cells = array_map("rawurldecode", explode("\t", $line));
        $kind = array_shift($cells);
        if ($kind === "text") {
            $plan["texts"][] = $cells;
        } elseif ($kind === "file") {
            $plan["files"][] = array_combine(["name", "path", "filename", "type"], $cells);
        } else {
            $plan[$kind] = $cells[0];
        }
    }
    return $plan;
}
