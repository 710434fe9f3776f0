// Signs, signs a batch, verifies, and shows a fault; with npm's soap.
//
//     npm ci && node secpki.js URL USER PASSWORD PROFILE FOLDER FILE...

const fs = require('fs');
const path = require('path');
const soap = require('soap');

const bytes = (base64) => Buffer.from(base64, 'base64');

async function main(url, user, password, profile, folder, ...files) {
    const secpki = await soap.createClientAsync(`${url}?wsdl`, { endpoint: url });
    secpki.setSecurity(new soap.BasicAuthSecurity(user, password));
    // A certificate instead of name and password:
    // secpki.setSecurity(new soap.ClientSSLSecurity('client.key.pem', 'client.pem', 'authority.pem'));
    // secpki.addHttpHeader('X-AuthorizeOrg', Buffer.from('tenant').toString('base64'));

    const document = fs.readFileSync(files[0]).toString('base64');
    const documentName = path.basename(files[0]);
    const [signed] = await secpki.signAsync({ document, documentName, profile });
    fs.writeFileSync(path.join(folder, signed.SignatureName), bytes(signed.Signature));
    console.log(`sign: ${signed.SignatureName}`);

    const documents = files.map((file) => ({
        document: fs.readFileSync(file).toString('base64'),
        documentName: path.basename(file),
    }));
    const [batch] = await secpki.signBatchAsync({ profile, documents });
    for (const result of batch.Results) {
        if (Number(result.Status) === 0) {
            fs.writeFileSync(path.join(folder, result.SignatureName), bytes(result.Signature));
        } else {
            console.log(`not signed: ${result.Index} ${result.Status} ${result.Reason}`);
        }
    }
    console.log(`batch: ${batch.Signed} signed, ${batch.Failed} failed`);

    const [verdict] = await secpki.verifyAsync({ document, documentName, signature: signed.Signature });
    console.log(`verify: ${verdict.ResultCode} ${verdict.Outcome}`);

    try {
        await secpki.signAsync({ document: bytes('eA==').toString('base64'), profile: 'no-such-profile' });
    } catch (error) {
        const fault = error.root.Envelope.Body.Fault;
        console.log(`fault: ${fault.detail.SecPKIFault.Status} ${fault.faultstring.$value ?? fault.faultstring}`);
    }
}

main(...process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exit(1);
});
