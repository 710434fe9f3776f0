package seccommerce.secpki.api;

import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/** Reads an answer as it arrives: documents in it go into memory or files, wherever they stand. */
final class Answer {
    private static final XMLInputFactory XML = XMLInputFactory.newInstance();

    static {
        XML.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        XML.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        XML.setProperty(XMLInputFactory.IS_COALESCING, false); // large text comes in pieces
    }

    /** Documents that the message refers to and that come behind it. */
    private final Map<String, Attached> awaited = new HashMap<>();

    private Answer() {}

    /** Reads the answer of an operation into {@code response}, or throws what the server says instead. */
    static void read(String operation, InputStream body, String contentType, int httpStatus, Message response)
            throws SecPKIApiException, IOException {
        Answer answer = new Answer();
        try {
            if (contentType.toLowerCase(Locale.ROOT).startsWith("multipart/")) {
                Multipart parts = new Multipart(body, contentType);
                answer.envelope(operation, parts.next(), httpStatus, response);
                answer.attachments(parts);
            } else {
                answer.envelope(operation, body, httpStatus, response);
            }
        } catch (XMLStreamException error) {
            String what = httpStatus == 200 ? "the answer is not XML" : "the server answers HTTP " + httpStatus;
            throw new SecPKIApiException(what, error);
        }
        if (!answer.awaited.isEmpty()) {
            throw new IOException("the answer lacks the parts " + answer.awaited.keySet());
        }
    }

    private void envelope(String operation, InputStream stream, int httpStatus, Message response)
            throws XMLStreamException, IOException, SecPKIApiException {
        XMLStreamReader xml = XML.createXMLStreamReader(stream);
        expect(xml, "Envelope");
        do {
            xml.nextTag();
            if (xml.isStartElement() && !xml.getLocalName().equals("Body")) {
                skip(xml);
                continue;
            }
            break;
        } while (true);
        xml.nextTag();
        if (xml.getLocalName().equals("Fault")) {
            throw fault(xml);
        }
        if (httpStatus != 200 || !xml.getLocalName().equals(operation + "Response")) {
            throw new IOException("the server answers HTTP " + httpStatus + " with " + xml.getLocalName());
        }
        message(xml, response);
        while (xml.hasNext()) {
            xml.next(); // to the end: the connection is used again
        }
    }

    private void message(XMLStreamReader xml, Message message) throws XMLStreamException, IOException {
        Map<String, Message.Field> fields = new HashMap<>();
        message.fields().forEach(field -> fields.put(field.name, field));
        while (xml.nextTag() == XMLStreamConstants.START_ELEMENT) {
            Message.Field field = fields.get(xml.getLocalName());
            if (field == null) {
                skip(xml); // of a newer server
                continue;
            }
            Object value;
            if (field.kind == Message.Kind.RECORD) {
                Message record = field.record.get();
                message(xml, record);
                value = record;
            } else if (field.kind == Message.Kind.BINARY) {
                value = binary(xml);
            } else {
                value = Message.fromText(field.kind, xml.getElementText());
            }
            if (field.list) {
                message.list(field.name).add(value);
            } else {
                message.set(field.name, value);
            }
        }
    }

    private Content binary(XMLStreamReader xml) throws XMLStreamException, IOException {
        ContentSink sink = new ContentSink();
        boolean finished = false;
        try {
            Attached attached = null;
            StringBuilder rest = new StringBuilder();
            while (xml.next() != XMLStreamConstants.END_ELEMENT) {
                if (xml.isStartElement()) {
                    String href = xml.getAttributeValue(null, "href");
                    if (href == null || !href.startsWith("cid:")) {
                        throw new IOException("the answer refers to nothing where a document should be");
                    }
                    attached = new Attached();
                    awaited.put(URLDecoder.decode(href.substring(4).replace("+", "%2B"), StandardCharsets.UTF_8), attached);
                    skip(xml);
                } else if (xml.isCharacters()) {
                    decode(xml, rest, sink);
                }
            }
            if (attached != null) {
                return attached;
            }
            sink.write(decoded(rest.toString()));
            finished = true;
            return sink.finish();
        } finally {
            if (!finished) {
                sink.discard();
            }
        }
    }

    /** Writes all whole groups of four letters; what is left over waits in {@code rest}. */
    private static void decode(XMLStreamReader xml, StringBuilder rest, ContentSink sink) throws IOException {
        char[] letters = xml.getTextCharacters();
        int until = xml.getTextStart() + xml.getTextLength();
        for (int index = xml.getTextStart(); index < until; index++) {
            if (letters[index] > ' ') {
                rest.append(letters[index]);
            }
        }
        int whole = Math.max(0, rest.length() - 4) / 4 * 4; // the last group may hold padding
        sink.write(decoded(rest.substring(0, whole)));
        rest.delete(0, whole);
    }

    private static byte[] decoded(String base64) throws IOException {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException error) {
            throw new IOException("a document of the answer is not base64", error);
        }
    }

    private void attachments(Multipart parts) throws IOException {
        for (Multipart.Part part = parts.next(); part != null; part = parts.next()) {
            Attached attached = awaited.remove(part.id());
            if (attached != null) {
                ContentSink sink = new ContentSink();
                boolean finished = false;
                try {
                    part.transferTo(sink);
                    attached.content = sink.finish();
                    finished = true;
                } finally {
                    if (!finished) {
                        sink.discard();
                    }
                }
            }
        }
    }

    private static SecPKIApiException fault(XMLStreamReader xml) throws XMLStreamException {
        Map<String, String> said = new HashMap<>();
        int depth = 1;
        String name = null;
        StringBuilder text = new StringBuilder();
        while (depth > 0) {
            switch (xml.next()) {
                case XMLStreamConstants.START_ELEMENT:
                    depth++;
                    name = xml.getLocalName();
                    text.setLength(0);
                    break;
                case XMLStreamConstants.CHARACTERS:
                case XMLStreamConstants.CDATA:
                    text.append(xml.getText());
                    break;
                case XMLStreamConstants.END_ELEMENT:
                    depth--;
                    if (xml.getLocalName().equals(name)) {
                        said.put(name, text.toString().trim());
                    }
                    break;
                default:
            }
        }
        String message = said.getOrDefault("Message", said.getOrDefault("faultstring", "the server gives no reason"));
        return new SecPKIApiException(
                number(said.get("Status"), SecPKIApiException.COMMUNICATION_ERROR),
                said.getOrDefault("Code", "fault"),
                message,
                said.get("CorrelationId"),
                "true".equals(said.get("Retryable")),
                number(said.get("RetryAfter"), 0));
    }

    private static int number(String text, int otherwise) {
        try {
            return text == null ? otherwise : Integer.parseInt(text);
        } catch (NumberFormatException error) {
            return otherwise;
        }
    }

    private static void expect(XMLStreamReader xml, String name) throws XMLStreamException, IOException {
        xml.nextTag();
        if (!xml.getLocalName().equals(name)) {
            throw new IOException("the answer is no SOAP: it begins with " + xml.getLocalName());
        }
    }

    private static void skip(XMLStreamReader xml) throws XMLStreamException {
        for (int depth = 1; depth > 0; ) {
            int event = xml.next();
            depth += event == XMLStreamConstants.START_ELEMENT ? 1 : event == XMLStreamConstants.END_ELEMENT ? -1 : 0;
        }
    }

    /** A document that comes behind the message. */
    private static final class Attached extends Content {
        private Content content;

        @Override
        public InputStream open() throws IOException {
            return content.open();
        }

        @Override
        public long length() throws IOException {
            return content.length();
        }
    }
}
