import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Scanner;

/**
 * Connects as a BI tool does: a JDBC address and driver properties (NAME=VALUE) as arguments, a statement on each
 * line of the input. Answers each with one line: its rows, with cells parted by tabs and rows by a bar, or
 * "refused" and why. The line "tables" asks the driver's own list of tables, as a tool does to show its tree.
 */
class Query {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        for (int i = 1; i < args.length; i++) {
            String[] parts = args[i].split("=", 2);
            properties.put(parts[0], parts[1]);
        }
        try (Connection connection = DriverManager.getConnection(args[0], properties);
                Scanner lines = new Scanner(System.in, StandardCharsets.UTF_8)) {
            while (lines.hasNextLine()) {
                System.out.println(answer(connection, lines.nextLine()));
            }
        } catch (SQLException error) {
            System.out.println(refused(error));
        }
    }

    private static String answer(Connection connection, String line) {
        try (Statement statement = connection.createStatement()) {
            if (line.equals("tables")) {
                return rows(connection.getMetaData().getTables(null, null, "%", null), 3);
            }
            return statement.execute(line) ? rows(statement.getResultSet(), 0) : "done";
        } catch (SQLException error) {
            return refused(error);
        }
    }

    private static String rows(ResultSet found, int only) throws SQLException {
        List<String> rows = new ArrayList<>();
        while (found.next()) {
            List<String> cells = new ArrayList<>();
            for (int i = 1; i <= found.getMetaData().getColumnCount(); i++) {
                if (only == 0 || only == i) {
                    cells.add(String.valueOf(found.getObject(i)));
                }
            }
            rows.add(String.join("\t", cells));
        }
        return String.join("|", rows);
    }

    private static String refused(SQLException error) {
        return "refused: " + String.valueOf(error.getMessage()).replace('\n', ' ');
    }
}
