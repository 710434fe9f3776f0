<?php
// As existing applications call: without a WSDL, each request in one parameter that is named after a Java class.
//
//     php without-wsdl.php URL USER PASSWORD PROFILE FOLDER FILE...

[, $url, $user, $password, $profile, $folder, $file] = $argv;

$secpki = new SoapClient(null, [
    'location' => $url,
    'uri' => 'http://seccommerce.de/ws/SecPKI/',
    'login' => $user,
    'password' => $password,
    'exceptions' => true,
]);

/** Calls an operation with one parameter of this class and gives what the answer's parameter holds. */
function ask(SoapClient $secpki, string $operation, string $class, array $fields): object
{
    return $secpki->__soapCall($operation, [new SoapParam((object) $fields, $class)]);
}

$session = ask($secpki, 'requestAuthSession', 'seccommerce.mobile.bo.ReqRequestAuthSession', [
    'userID' => $user,
    'serviceName' => 'Rechnungsportal',
    'serviceAddress' => 'https://portal.example.com/',
    'browserIpAddr' => '192.0.2.7',
]);
echo "session: $session->AuthSessionState\n";

$id = ['authSessionID' => $session->AuthSessionID];
$state = ask($secpki, 'getAuthSessionState', 'seccommerce.mobile.bo.ReqGetAuthSessionState', $id);
echo "state: $state->AuthSessionState\n";
$state = ask($secpki, 'cancelAuthSession', 'seccommerce.mobile.bo.ReqCancelAuthSession', $id);
echo "cancelled: $state->AuthSessionState\n";

$document = file_get_contents($file);
$signed = ask($secpki, 'sign', 'seccommerce.secpki.bo.ReqSign', [
    'document' => base64_encode($document),
    'documentName' => basename($file),
    'profile' => $profile,
]);
file_put_contents("$folder/$signed->SignatureName", base64_decode($signed->Signature));
echo "sign: $signed->SignatureName\n";

try {
    ask($secpki, 'getAuthSessionState', 'seccommerce.mobile.bo.ReqGetAuthSessionState', []);
} catch (SoapFault $fault) {
    echo "fault: {$fault->detail->SecPKIFault->Status} {$fault->getMessage()}\n";
}
