<?php
// The loop of `biztoken drill --serve` around a client in PHP 8: `php client.php http://127.0.0.1:PORT`.
// No extension but json and openssl is needed.

function sign(string $key, string $secret): string
{
    $now = time();
    $raw = sprintf('a=%s&b=%d&c=%d&d=%010d', $key, $now + 600, $now, random_int(0, 9999999999));
    return base64_encode(hash_hmac('sha1', $raw, $secret, true) . $raw);
}

function post(string $url, string $type, string $body, ?string $authority = null): array
{
    $options = ['http' => [
        'method' => 'POST', 'header' => "Content-Type: $type\r\nConnection: close", 'content' => $body,
        'timeout' => 10, 'ignore_errors' => true,
    ]];
    if ($authority !== null) {
        $options['ssl'] = ['cafile' => $authority];
    }
    $stream = @fopen($url, 'rb', false, stream_context_create($options));
    if ($stream === false) {
        throw new RuntimeException('no connection: ' . (error_get_last()['message'] ?? ''));
    }
    $answer = stream_get_contents($stream);
    $meta = stream_get_meta_data($stream);
    $headers = implode("\n", $meta['wrapper_data'] ?? []);
    if ($meta['timed_out'] || !preg_match('~^HTTP/\S+ (\d+)~', $headers, $status)) {
        throw new RuntimeException('no answer');
    }
    if (preg_match('~content-length: *(\d+)~i', $headers, $length) && strlen($answer) < (int) $length[1]) {
        throw new RuntimeException('the answer was cut off');
    }
    return [(int) $status[1], $answer];
}

// Your own client stands here: it returns a biz_token or throws with the reason.
function getBizToken(string $url, string $key, string $secret, string $authority): string
{
    for ($attempt = 0; ; $attempt++) {
        $boundary = bin2hex(random_bytes(16));
        $fields = [
            'sign' => sign($key, $secret), 'sign_version' => 'hmac_sha1', 'liveness_type' => 'meglive',
            'comparison_type' => '1', 'idcard_name' => '张三', 'idcard_number' => '990101199003071237',
            'biz_no' => bin2hex(random_bytes(16)), 'verbose' => '1',
        ];
        $body = '';
        foreach ($fields as $name => $value) {
            $body .= "--$boundary\r\nContent-Disposition: form-data; name=\"$name\"\r\n\r\n$value\r\n";
        }
        [$status, $answer] = post($url, "multipart/form-data; boundary=$boundary", "$body--$boundary--\r\n", $authority);
        $said = json_decode($answer, true);
        if (!is_array($said)) {
            throw new RuntimeException("HTTP $status: " . substr($answer, 0, 200));
        }
        if ($status === 200 && !empty($said['biz_token'])) {
            return $said['biz_token'];
        }
        $error = $said['error'] ?? 'no error told';
        if (!in_array($error, ['INTERNAL_ERROR', 'CONCURRENCY_LIMIT_EXCEEDED'], true) || $attempt === 2) {
            throw new RuntimeException("HTTP $status: $error");
        }
        usleep(300000 * 2 ** $attempt);
    }
}

function drill(string $server, string $verb, array $said): array
{
    return json_decode(post("$server/$verb", 'application/json', json_encode((object) $said))[1], true);
}

$server = $argv[1];
$begun = drill($server, 'start', []);
$said = [];
while (!isset(($now = drill($server, 'next', $said))['done'])) {
    try {
        getBizToken($now['url'], $begun['api_key'], $begun['api_secret'], $begun['cacert']);
        $said = ['outcome' => 'success', 'output' => ''];
    } catch (RuntimeException $problem) {
        $said = ['outcome' => 'failure', 'output' => $problem->getMessage()];
    }
}
$report = drill($server, 'report', []);
echo $report['verdict'], ' see ', $report['directory'], "/index.html\n";
exit($report['exit_code']);
