import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * Makes the messages and the list of operations of the library from the schema and the WSDL. Run it in the project's folder:
 *
 * <pre>java clients/java/generate/Generate.java [--check]</pre>
 *
 * With --check nothing is written; it fails if what lies there is not what would be written.
 */
public class Generate {
    private static final String PACKAGE = "seccommerce.secpki.api";
    private static final String HEAD =
            "// Made by generate/Generate.java from wsdl/; changes belong there.\npackage " + PACKAGE + ";\n\n";

    /** Name of a class → its source. */
    private final Map<String, String> files = new TreeMap<>();

    public static void main(String[] arguments) throws Exception {
        Path wsdl = Path.of("wsdl").toAbsolutePath();
        Generate generate = new Generate();
        generate.messages(parse(wsdl.resolve("secpki.xsd").toFile()));
        generate.operations(parse(wsdl.resolve("secpki.wsdl").toFile()));

        Path target = Path.of("clients/java/src/main/java").resolve(PACKAGE.replace('.', '/'));
        boolean check = arguments.length > 0 && arguments[0].equals("--check");
        List<String> wrong = new ArrayList<>();
        for (Map.Entry<String, String> file : generate.files.entrySet()) {
            Path path = target.resolve(file.getKey() + ".java");
            if (!Files.exists(path) || !Files.readString(path).equals(file.getValue())) {
                wrong.add(file.getKey());
                if (!check) {
                    Files.writeString(path, file.getValue());
                }
            }
        }
        try (var present = Files.list(target)) {
            for (Path path : (Iterable<Path>) present::iterator) {
                String name = path.getFileName().toString().replace(".java", "");
                if (Files.readString(path).startsWith(HEAD) && !generate.files.containsKey(name)) {
                    wrong.add(name);
                    if (!check) {
                        Files.delete(path);
                    }
                }
            }
        }
        System.out.println(generate.files.size() + " classes; " + (check ? "wrong: " : "changed: ") + wrong);
        System.exit(check && !wrong.isEmpty() ? 1 : 0);
    }

    /** Elements are requests and answers, complex types with a name are records in them. */
    private void messages(Element schema) {
        children(schema, "simpleType").forEach(type -> WORDS.add(type.getAttribute("name")));
        for (Element child : children(schema, null)) {
            String name = child.getAttribute("name");
            if (child.getLocalName().equals("complexType")) {
                files.put(name, message(name, documentation(child), child));
            } else if (child.getLocalName().equals("element") && !name.equals("SecPKIFault")) {
                String className = className(name);
                files.put(className, message(className, documentation(child), children(child, "complexType").get(0)));
            }
        }
    }

    private static String message(String className, String doc, Element complexType) {
        StringBuilder fields = new StringBuilder();
        StringBuilder methods = new StringBuilder();
        boolean lists = false;
        boolean times = false;
        for (Element field : children(children(complexType, "sequence").get(0), "element")) {
            String name = field.getAttribute("name");
            boolean required = !field.getAttribute("minOccurs").equals("0");
            boolean list = field.getAttribute("maxOccurs").equals("unbounded");
            Kind kind = Kind.of(field.getAttribute("type"));
            lists |= list;
            times |= kind.type.equals("Instant");
            fields.append("            new Field(\"").append(name).append("\", Kind.").append(kind.name).append(", ")
                    .append(required).append(", ").append(list).append(", ")
                    .append(kind.name.equals("RECORD") ? kind.type + "::new" : "null").append("),\n");
            accessors(methods, className, name, documentation(field), kind, list);
        }
        String inside = fields.length() == 0 ? "" : "\n" + fields.substring(0, fields.length() - 2);
        return HEAD + (times ? "import java.time.Instant;\n" : "") + "import java.util.List;\n"
                + "\n/** " + doc + " */\npublic final class " + className + " extends Message {\n"
                + "    private static final List<Field> FIELDS = List.of(" + inside + ");\n"
                + "\n    @Override\n    List<Field> fields() {\n        return FIELDS;\n    }\n" + methods + "}\n";
    }

    private static void accessors(
            StringBuilder methods, String className, String name, String doc, Kind kind, boolean list) {
        String capital = capital(name);
        String comment = "\n    /** " + doc + " */\n    public ";
        if (list) {
            methods.append(comment).append("List<").append(kind.type).append("> get").append(capital)
                    .append("() {\n        return list(\"").append(name).append("\");\n    }\n");
            methods.append(comment).append(className).append(" add").append(capital).append("(").append(kind.type)
                    .append(" value) {\n        list(\"").append(name).append("\").add(value);\n        return this;\n    }\n");
            return;
        }
        methods.append(comment).append(kind.type).append(" get").append(capital)
                .append("() {\n        return (").append(kind.type).append(") get(\"").append(name).append("\");\n    }\n");
        methods.append(comment).append(className).append(" set").append(capital).append("(").append(kind.type)
                .append(" value) {\n        set(\"").append(name).append("\", value);\n        return this;\n    }\n");
    }

    private void operations(Element wsdl) {
        StringBuilder methods = new StringBuilder();
        for (Element operation : children(children(wsdl, "portType").get(0), "operation")) {
            String name = operation.getAttribute("name");
            String doc = children(operation, "documentation").get(0).getTextContent().trim();
            // The names say it, and the server has the same table behind them.
            boolean reads = name.matches("(get|echo|verify|archive(Retrieve|Evidence|Search)).*");
            String response = className(name + "Response");
            methods.append("\n    /** ").append(escaped(doc)).append(" */\n    public ").append(response).append(" ").append(name)
                    .append("(").append(className(name)).append(" request) throws SecPKIApiException {\n        return call(\"")
                    .append(name).append("\", ").append(reads).append(", request, ").append(response).append("::new);\n    }\n");
        }
        files.put("SecPKIOperations", HEAD + "import java.util.function.Supplier;\n"
                + "\n/** A method for each operation of the WSDL. */\npublic abstract class SecPKIOperations {\n"
                + "    SecPKIOperations() {}\n\n    abstract <A extends Message> A call(String operation, boolean reads, Message request, "
                + "Supplier<A> response)\n            throws SecPKIApiException;\n" + methods + "}\n");
    }

    /** sign → ReqSign, signResponse → ResSign. */
    private static String className(String element) {
        return element.endsWith("Response")
                ? "Res" + capital(element.substring(0, element.length() - "Response".length()))
                : "Req" + capital(element);
    }

    private static String capital(String name) {
        return Character.toUpperCase(name.charAt(0)) + name.substring(1);
    }

    private static String documentation(Element element) {
        Element annotation = children(element, "annotation").get(0);
        return escaped(children(annotation, "documentation").get(0).getTextContent().trim().replaceAll("\\s+", " "));
    }

    private static String escaped(String doc) {
        return doc.replace("&", "&amp;").replace("<", "&lt;").replace("*/", "*&#47;").replaceAll("`([^`]*)`", "{@code $1}");
    }

    private static List<Element> children(Element parent, String localName) {
        List<Element> found = new ArrayList<>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element && (localName == null || localName.equals(node.getLocalName()))) {
                found.add((Element) node);
            }
        }
        return found;
    }

    private static Element parse(File file) throws Exception {
        if (!file.exists()) {
            throw new IOException("run it in the project's folder: there is no " + file);
        }
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        return factory.newDocumentBuilder().parse(file).getDocumentElement();
    }

    /** What a type of the schema is here and in Java. */
    private static final class Kind {
        final String name;
        final String type;

        private Kind(String name, String type) {
            this.name = name;
            this.type = type;
        }

        static Kind of(String type) {
            switch (type) {
                case "xs:string":
                    return new Kind("TEXT", "String");
                case "xs:int":
                    return new Kind("INT", "Integer");
                case "xs:long":
                    return new Kind("LONG", "Long");
                case "xs:boolean":
                    return new Kind("FLAG", "Boolean");
                case "xs:dateTime":
                    return new Kind("TIME", "Instant");
                case "xs:base64Binary":
                    return new Kind("BINARY", "Content");
                default:
                    String local = type.substring(type.indexOf(':') + 1);
                    return WORDS.contains(local) ? new Kind("TEXT", "String") : new Kind("RECORD", local);
            }
        }
    }

    /** Simple types: words of an enumeration, which are strings here. */
    private static final List<String> WORDS = new ArrayList<>();
}
