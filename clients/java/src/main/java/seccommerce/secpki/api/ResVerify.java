// Made by generate/Generate.java from wsdl/; changes belong there.
package seccommerce.secpki.api;

import java.util.List;

/** The verdict. */
public final class ResVerify extends Message {
    private static final List<Field> FIELDS = List.of(
            new Field("ResultCode", Kind.INT, true, false, null),
            new Field("Status", Kind.INT, true, false, null),
            new Field("Outcome", Kind.TEXT, true, false, null),
            new Field("Signatures", Kind.RECORD, false, true, SignatureVerdict::new),
            new Field("Report", Kind.BINARY, false, false, null),
            new Field("ReportMimeType", Kind.TEXT, false, false, null),
            new Field("ReportName", Kind.TEXT, false, false, null));

    @Override
    List<Field> fields() {
        return FIELDS;
    }

    /** 1: valid. Anything else is the status number. From -1000000 to 1000000. */
    public Integer getResultCode() {
        return (Integer) get("ResultCode");
    }

    /** 1: valid. Anything else is the status number. From -1000000 to 1000000. */
    public ResVerify setResultCode(Integer value) {
        set("ResultCode", value);
        return this;
    }

    /** Status number of the archive interface: 0 valid, -1 signature invalid, -11 document mismatch, and so on. From -1000000 to 1000000. */
    public Integer getStatus() {
        return (Integer) get("Status");
    }

    /** Status number of the archive interface: 0 valid, -1 signature invalid, -11 document mismatch, and so on. From -1000000 to 1000000. */
    public ResVerify setStatus(Integer value) {
        set("Status", value);
        return this;
    }

    /** The worst outcome as one word: {@code valid}, {@code certificate-revoked}, {@code data-mismatch}, and so on. At most 50 characters. */
    public String getOutcome() {
        return (String) get("Outcome");
    }

    /** The worst outcome as one word: {@code valid}, {@code certificate-revoked}, {@code data-mismatch}, and so on. At most 50 characters. */
    public ResVerify setOutcome(String value) {
        set("Outcome", value);
        return this;
    }

    /** The verdict on each signature. At most 4096 of them. */
    public List<SignatureVerdict> getSignatures() {
        return list("Signatures");
    }

    /** The verdict on each signature. At most 4096 of them. */
    public ResVerify addSignatures(SignatureVerdict value) {
        list("Signatures").add(value);
        return this;
    }

    /** The report in the form that was wanted. */
    public Content getReport() {
        return (Content) get("Report");
    }

    /** The report in the form that was wanted. */
    public ResVerify setReport(Content value) {
        set("Report", value);
        return this;
    }

    /** Media type of the report. At most 100 characters. */
    public String getReportMimeType() {
        return (String) get("ReportMimeType");
    }

    /** Media type of the report. At most 100 characters. */
    public ResVerify setReportMimeType(String value) {
        set("ReportMimeType", value);
        return this;
    }

    /** File name of the report. At most 300 characters. */
    public String getReportName() {
        return (String) get("ReportName");
    }

    /** File name of the report. At most 300 characters. */
    public ResVerify setReportName(String value) {
        set("ReportName", value);
        return this;
    }
}
