using System.Collections;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Host.Definitions;

/// <summary>Generates the JSON schema of definition files, from the same records that the loader binds. Editors use it to complete and check definitions.</summary>
internal sealed class DefinitionSchema(StageCatalog catalog)
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private const string BackendKey = "backend";

    private readonly OptionTypes _types = new();

    public string Write()
    {
        JsonObject root = Record(typeof(RunDefinition), new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "Alm run definition",
        });
        root["properties"]!.AsObject().Insert(0, "$schema", new JsonObject { ["type"] = "string" });
        var stages = new JsonObject();
        foreach (string name in catalog.Names)
            stages[name] = Stage(catalog[name]);
        root["$defs"] = stages;
        return root.ToJsonString(Layout) + "\n";
    }

    private JsonObject Stage(StageRegistration stage)
    {
        JsonObject schema = Record(stage.OptionsType, new JsonObject { ["description"] = stage.Summary });
        JsonObject properties = schema["properties"]!.AsObject();
        properties.Insert(0, "stage", new JsonObject { ["const"] = stage.Name });
        properties.Insert(1, "name", new JsonObject { ["type"] = "string", ["description"] = "Names the stage in --set and in reports. Absent: its kind." });
        var required = new JsonArray("stage");
        foreach (JsonNode? key in schema["required"]?.AsArray() ?? [])
            required.Add(key!.DeepClone());
        schema["required"] = required;
        return schema;
    }

    private JsonObject Teacher(TeacherRegistration teacher)
    {
        JsonObject schema = Record(teacher.OptionsType, new JsonObject { ["description"] = teacher.Summary });
        schema["properties"]!.AsObject().Insert(0, BackendKey, new JsonObject { ["const"] = teacher.Name });
        if (teacher.Name != TeacherDefinition.DefaultBackend)
            schema["required"]!.AsArray().Insert(0, BackendKey);
        return schema;
    }

    private JsonObject Record(Type type, JsonObject schema)
    {
        OptionType options = _types.Of(type);
        object defaults = options.CreateDefault();
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (OptionProperty property in options.Properties)
        {
            JsonObject value = Value(property.Value);
            if (property.Description is not null)
                value["description"] = property.Description;
            if (property.Range is not null)
                AddRange(property.Value.Kind == OptionKind.List ? value["items"]!.AsObject() : value, OptionRange.Of(property.Range));
            if (property.Required)
                required.Add(property.Key);
            else if (Default(property.Property.GetValue(defaults)) is { } shown)
                value["default"] = shown;
            properties[property.Key] = value;
        }
        schema["type"] = "object";
        schema["properties"] = properties;
        if (required.Count > 0)
            schema["required"] = required;
        schema["additionalProperties"] = false;
        return schema;
    }

    private JsonObject Value(OptionValue value)
    {
        switch (value.Kind)
        {
            case OptionKind.Enum:
                var names = new JsonArray();
                foreach (object member in Enum.GetValues(value.Type))
                    names.Add(OptionType.EnumName(member));
                if (value.Nullable)
                    names.Add(null);
                return new JsonObject { ["enum"] = names };
            case OptionKind.List:
                return new JsonObject { ["type"] = Named("array", value.Nullable), ["items"] = Value(value.Element!) };
            case OptionKind.Stage:
                var kinds = new JsonArray();
                foreach (string name in catalog.Names)
                    kinds.Add(new JsonObject { ["$ref"] = $"#/$defs/{name}" });
                return new JsonObject { ["type"] = "object", ["oneOf"] = kinds };
            case OptionKind.Teacher:
                var backends = new JsonArray();
                foreach (TeacherRegistration teacher in catalog.Teachers)
                    backends.Add(Teacher(teacher));
                if (value.Nullable)
                    backends.Add(new JsonObject { ["type"] = "null" });
                return new JsonObject { ["type"] = Named("object", value.Nullable), ["oneOf"] = backends };
            case OptionKind.Record:
                JsonObject record = Record(value.Type, []);
                record["type"] = Named("object", value.Nullable);
                return record;
            default:
                string type = value.Kind switch
                {
                    OptionKind.Boolean => "boolean",
                    OptionKind.Integer => "integer",
                    OptionKind.Number => "number",
                    _ => "string",
                };
                return new JsonObject { ["type"] = Named(type, value.Nullable) };
        }
    }

    private static JsonNode Named(string type, bool nullable) => nullable ? new JsonArray(type, "null") : JsonValue.Create(type);

    private static void AddRange(JsonObject schema, OptionRange range)
    {
        if (double.IsFinite(range.Minimum))
            schema[range.MinimumIsExclusive ? "exclusiveMinimum" : "minimum"] = range.Minimum;
        if (range.HasMaximum)
            schema[range.MaximumIsExclusive ? "exclusiveMaximum" : "maximum"] = range.Maximum;
    }

    private JsonNode? Default(object? value)
    {
        switch (value)
        {
            case null:
                return null;
            case string or bool or int or long or double:
                return JsonNode.Parse(JsonSerializer.Serialize(value, Layout));
            case Enum e:
                return OptionType.EnumName(e);
            case IEnumerable items:
                var array = new JsonArray();
                foreach (object? item in items)
                    array.Add(Default(item));
                return array;
            default:
                var record = new JsonObject();
                foreach (OptionProperty property in _types.Of(value.GetType()).Properties)
                    record[property.Key] = Default(property.Property.GetValue(value));
                return record;
        }
    }
}
