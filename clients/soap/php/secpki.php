<?php
// Signs, signs a batch, verifies, and shows a fault; with PHP's SoapClient and the server's WSDL (package php-soap).
//
//     php secpki.php URL USER PASSWORD PROFILE FOLDER FILE...

[, $url, $user, $password, $profile, $folder] = $argv;
$files = array_slice($argv, 6);

$secpki = new SoapClient("$url?wsdl", [
    'login' => $user,
    'password' => $password,
    'cache_wsdl' => WSDL_CACHE_NONE, // in production: WSDL_CACHE_BOTH
    'features' => SOAP_SINGLE_ELEMENT_ARRAYS, // a list of one is a list
    'exceptions' => true,
    // 'local_cert' => 'client-with-key.pem',                       a certificate instead of name and password
    // 'stream_context' => stream_context_create([
    //     'ssl' => ['cafile' => 'authority.pem'],                  who issued the server's certificate
    //     'http' => ['header' => 'X-AuthorizeOrg: ' . base64_encode('tenant')]]),
]);

$document = file_get_contents($files[0]);
$signed = $secpki->sign(['document' => $document, 'documentName' => basename($files[0]), 'profile' => $profile]);
file_put_contents("$folder/$signed->SignatureName", $signed->Signature);
echo "sign: $signed->SignatureName\n";

$documents = array_map(
    fn ($file) => ['document' => file_get_contents($file), 'documentName' => basename($file)],
    $files
);
$batch = $secpki->signBatch(['profile' => $profile, 'documents' => $documents]);
foreach ($batch->Results as $result) {
    if ($result->Status == 0) {
        file_put_contents("$folder/$result->SignatureName", $result->Signature);
    } else {
        echo "not signed: $result->Index $result->Status $result->Reason\n";
    }
}
echo "batch: $batch->Signed signed, $batch->Failed failed\n";

$verdict = $secpki->verify([
    'document' => $document,
    'documentName' => basename($files[0]),
    'signature' => $signed->Signature,
]);
echo "verify: $verdict->ResultCode $verdict->Outcome\n";

try {
    $secpki->sign(['document' => 'x', 'profile' => 'no-such-profile']);
} catch (SoapFault $fault) {
    echo "fault: {$fault->detail->SecPKIFault->Status} {$fault->getMessage()}\n";
}
