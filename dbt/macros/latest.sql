{# One row a key: the one that is last in the order. Loaders that append keep every reading of a row. #}
{% macro latest(relation, keys, order) %}
select * from {{ relation }}
qualify row_number() over (partition by {{ keys | join(', ') }} order by {{ order }} desc) = 1
{% endmacro %}
