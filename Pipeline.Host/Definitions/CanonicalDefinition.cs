using System.Collections;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Definitions;

/// <summary>Writes a definition with every default filled in and its keys in the order of declaration, so that equal runs have equal text.</summary>
internal sealed class CanonicalDefinition(OptionTypes types)
{
    private static readonly JsonWriterOptions Layout = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>SHA-256 of the text, in lower-case hexadecimal.</summary>
    public static string Hash(string json) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json)));

    /// <summary>The canonical text of a definition. It ends with a line feed.</summary>
    public string Write(RunDefinition definition) => Write(json => WriteRecord(json, definition, includeExtending: true));

    /// <summary>The hash of everything that decides the results of a flow: the run's own keys, the flows before it, and the flow itself.</summary>
    /// <param name="definition">The definition of the run.</param>
    /// <param name="flow">The index of the flow.</param>
    public string FlowHash(RunDefinition definition, int flow)
    {
        RunDefinition before = definition with { Flows = definition.Flows.Take(flow + 1).ToList() };
        return Hash(Write(json => WriteRecord(json, before, includeExtending: false)));
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Layout))
            write(json);
        buffer.WriteByte((byte)'\n');
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private void WriteRecord(Utf8JsonWriter json, object record, bool includeExtending)
    {
        json.WriteStartObject();
        WriteProperties(json, record, includeExtending);
        json.WriteEndObject();
    }

    // Extending keys are left out only among the run's own keys. A key that extends a flow must change the flow's hash: the flow then runs again, and
    // continues where it was.
    private void WriteProperties(Utf8JsonWriter json, object record, bool includeExtending)
    {
        // The default backend is left out, so that definitions from before there were backends keep their hash.
        if (record is TeacherDefinition { Backend: not TeacherDefinition.DefaultBackend } teacher)
            json.WriteString("backend", teacher.Backend);
        foreach (OptionProperty property in types.Of(record.GetType()).Properties)
        {
            object? value = property.Property.GetValue(record);
            if ((property.Extends && !includeExtending) || (property.Quiet && value is null))
                continue;
            json.WritePropertyName(property.Key);
            WriteValue(json, property.Value, value);
        }
    }

    private void WriteValue(Utf8JsonWriter json, OptionValue kind, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool b:
                json.WriteBooleanValue(b);
                break;
            case int i:
                json.WriteNumberValue(i);
                break;
            case long l:
                json.WriteNumberValue(l);
                break;
            case double d:
                json.WriteNumberValue(d);
                break;
            case string s:
                json.WriteStringValue(s);
                break;
            case Enum e:
                json.WriteStringValue(OptionType.EnumName(e));
                break;
            case StageDefinition stage:
                json.WriteStartObject();
                json.WriteString("stage", stage.Kind.Value);
                json.WriteString("name", stage.Name);
                WriteProperties(json, stage.Options, includeExtending: true);
                json.WriteEndObject();
                break;
            case IEnumerable items:
                json.WriteStartArray();
                foreach (object? item in items)
                    WriteValue(json, kind.Element!, item);
                json.WriteEndArray();
                break;
            default:
                WriteRecord(json, value, includeExtending: true);
                break;
        }
    }
}
