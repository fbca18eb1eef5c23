// Starts the server as its own launcher does, with the version that the libraries have.
public class Main {
    public static void main(String[] arguments) {
        new io.trino.server.Server().start(arguments[0]);
    }
}
