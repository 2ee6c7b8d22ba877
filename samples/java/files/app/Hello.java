import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/** A web server with what comes with Java, on the port that the platform chose. */
public final class Hello {
    public static void main(String[] args) throws Exception {
        var env = System.getenv();
        var body = ("Hello " + env.getOrDefault("TARGET", "World") + " from Java!\n").getBytes(StandardCharsets.UTF_8);
        var server = HttpServer.create(new InetSocketAddress(Integer.parseInt(env.getOrDefault("PORT", "8080"))), 0);
        server.createContext("/", exchange -> {
            exchange.getResponseHeaders().set("Content-Type", "text/plain");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
