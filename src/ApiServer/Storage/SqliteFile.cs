using System.Globalization;
using Knet.Api.Meta;
using Microsoft.Data.Sqlite;

namespace Knet.ApiServer.Storage;

/// <summary>The data on disk cannot be used by this program.</summary>
public sealed class DataFormatException(string message) : Exception(message);

/// <summary>A row to write: an object's new body, its deletion (no body), or only its revision.</summary>
internal readonly record struct Row(string Table, ObjectKey Key, long Revision, EncodedObject? Body, bool RevisionOnly = false);

/// <summary>The database file. Used by one thread at a time.</summary>
internal sealed class SqliteFile : IDisposable
{
    /// <summary>Version of the tables' layout. A newer program migrates older files; an older one refuses newer files.</summary>
    public const int Format = 1;

    // Index n brings a file from format n to n+1.
    private static readonly string[] Migrations =
    [
        """
        CREATE TABLE objects (
          kind TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
          PRIMARY KEY (kind, ns, name));
        """,
    ];

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _put;
    private readonly SqliteCommand _delete;
    private readonly SqliteCommand _revise;

    public SqliteFile(string path, bool fullSync)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute($"PRAGMA journal_mode=WAL; PRAGMA synchronous={(fullSync ? "FULL" : "NORMAL")}; PRAGMA wal_autocheckpoint=1000;");
        Execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);");
        Migrate(path);
        _put = Prepare(
            "INSERT INTO objects (kind, ns, name, revision, at, body) VALUES ($kind, $ns, $name, $revision, $at, $body) "
            + "ON CONFLICT (kind, ns, name) DO UPDATE SET revision=excluded.revision, at=excluded.at, body=excluded.body",
            "$kind", "$ns", "$name", "$revision", "$at", "$body");
        _delete = Prepare("DELETE FROM objects WHERE kind=$kind AND ns=$ns AND name=$name", "$kind", "$ns", "$name");
        _revise = Prepare(
            "UPDATE objects SET revision=$revision WHERE kind=$kind AND ns=$ns AND name=$name", "$kind", "$ns", "$name", "$revision");
    }

    /// <summary>No revision above this was ever handed out.</summary>
    public long ReservedRevision => long.Parse(Meta("revision") ?? "0", CultureInfo.InvariantCulture);

    public IEnumerable<Row> Load()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT kind, ns, name, revision, at, body FROM objects ORDER BY kind, ns, name";
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            var body = new EncodedObject(reader.GetFieldValue<byte[]>(5), reader.GetInt32(4));
            yield return new Row(reader.GetString(0), new ObjectKey(reader.GetString(1), reader.GetString(2)), reader.GetInt64(3), body);
        }
    }

    /// <summary>Writes rows, and the reservation if there is one, in one transaction.</summary>
    /// <exception cref="SqliteException">Nothing was written.</exception>
    public void Write(IReadOnlyList<Row> rows, long? reserve)
    {
        using var transaction = _connection.BeginTransaction();
        if (reserve is { } revision)
        {
            SetMeta("revision", revision.ToString(CultureInfo.InvariantCulture), transaction);
        }

        foreach (var row in rows)
        {
            WriteRow(row, transaction);
        }

        transaction.Commit();
    }

    public void Dispose()
    {
        _put.Dispose();
        _delete.Dispose();
        _revise.Dispose();
        Execute("PRAGMA wal_checkpoint(TRUNCATE);");
        _connection.Dispose();
    }

    private void WriteRow(Row row, SqliteTransaction transaction)
    {
        var command = row.RevisionOnly ? _revise : row.Body is null ? _delete : _put;
        command.Transaction = transaction;
        command.Parameters[0].Value = row.Table;
        command.Parameters[1].Value = row.Key.Namespace;
        command.Parameters[2].Value = row.Key.Name;
        if (row.RevisionOnly || row.Body is not null)
        {
            command.Parameters[3].Value = row.Revision;
        }

        if (row.Body is { } body)
        {
            command.Parameters[4].Value = body.At;
            command.Parameters[5].Value = body.Body.ToArray();
        }

        command.ExecuteNonQuery();
    }

    private void Migrate(string path)
    {
        var format = int.Parse(Meta("format") ?? "0", CultureInfo.InvariantCulture);
        if (format > Format)
        {
            var message = $"{path} has data format {format}, and this program knows formats up to {Format}: "
                + "run the newer version that wrote it, or choose another data directory";
            _connection.Dispose();
            throw new DataFormatException(message);
        }

        for (; format < Format; format++)
        {
            using var transaction = _connection.BeginTransaction();
            Execute(Migrations[format], transaction);
            SetMeta("format", (format + 1).ToString(CultureInfo.InvariantCulture), transaction);
            transaction.Commit();
        }
    }

    private string? Meta(string key)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT value FROM meta WHERE key=$key";
        command.Parameters.AddWithValue("$key", key);
        return command.ExecuteScalar() as string;
    }

    private void SetMeta(string key, string value, SqliteTransaction? transaction = null)
    {
        using var command = _connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "INSERT INTO meta (key, value) VALUES ($key, $value) ON CONFLICT (key) DO UPDATE SET value=excluded.value";
        command.Parameters.AddWithValue("$key", key);
        command.Parameters.AddWithValue("$value", value);
        command.ExecuteNonQuery();
    }

    private void Execute(string sql, SqliteTransaction? transaction = null)
    {
        using var command = _connection.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // only constant texts of this class come here
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private SqliteCommand Prepare(string sql, params string[] names)
    {
        var command = _connection.CreateCommand();
#pragma warning disable CA2100 // only constant texts of this class come here
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var name in names)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = name });
        }

        return command;
    }
}
